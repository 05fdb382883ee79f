import { type ReactNode, useMemo, useState } from "react";
import { count } from "../format";

export interface Column<Row> {
  title: string;
  /** What the rows are ordered by. */
  value: (row: Row) => string | number;
  /** What is shown; the value itself by default. */
  show?: (row: Row) => ReactNode;
  /** Text is aligned to the left and searched. */
  isText?: boolean;
}

/** So many rows are shown at first: a browser can take more, a reader cannot. */
const FIRST_ROWS = 200;
const SEARCHED_FROM = 10;

interface Order {
  column: number;
  isDescending: boolean;
}

/** A table that can be sorted by any column and searched; the row of the total stays at its end. */
export function Table<Row>(props: { id: string; columns: Column<Row>[]; rows: Row[]; total?: Row | undefined }) {
  const { id, columns, rows, total } = props;
  const [order, setOrder] = useState<Order | null>(null);
  const [wanted, setWanted] = useState("");
  const [showsAll, setShowsAll] = useState(false);
  const found = useMemo(() => {
    const text = wanted.toLowerCase();
    const kept = rows.filter((row) =>
      columns.some((column) => column.isText && String(column.value(row)).toLowerCase().includes(text)),
    );
    const by = order && columns[order.column];
    return by ? kept.sort((left, right) => compare(by.value(left), by.value(right), order.isDescending)) : kept;
  }, [columns, rows, order, wanted]);
  const shown = showsAll ? found : found.slice(0, FIRST_ROWS);
  const sortBy = (column: number) =>
    setOrder((now) => ({
      column,
      isDescending: now?.column === column ? !now.isDescending : !columns[column]?.isText,
    }));
  return (
    <>
      {rows.length > SEARCHED_FROM && (
        <input
          type="search"
          aria-label={`Search ${id}`}
          placeholder="Search"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
      )}
      <div className="scroll">
        <table id={id}>
          <thead>
            <tr>
              {columns.map((column, at) => (
                <th key={column.title} className={column.isText ? "text" : ""} aria-sort={ariaSort(order, at)}>
                  <button type="button" onClick={() => sortBy(at)}>
                    {column.title}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows have no state, and their names may repeat
              <Cells key={at} columns={columns} row={row} />
            ))}
          </tbody>
          {total !== undefined && (
            <tfoot>
              <Cells columns={columns} row={total} />
            </tfoot>
          )}
        </table>
      </div>
      {shown.length < found.length && (
        <button type="button" className="more" onClick={() => setShowsAll(true)}>
          Show all {count(found.length)} rows
        </button>
      )}
    </>
  );
}

function Cells<Row>(props: { columns: Column<Row>[]; row: Row }) {
  return (
    <tr>
      {props.columns.map((column) => (
        <td key={column.title} className={column.isText ? "text" : ""}>
          {column.show ? column.show(props.row) : column.value(props.row)}
        </td>
      ))}
    </tr>
  );
}

function compare(left: string | number, right: string | number, isDescending: boolean): number {
  const difference =
    typeof left === "number" && typeof right === "number" ? left - right : String(left).localeCompare(String(right));
  return isDescending ? -difference : difference;
}

function ariaSort(order: Order | null, column: number): "ascending" | "descending" | "none" {
  if (order?.column !== column) return "none";
  return order.isDescending ? "descending" : "ascending";
}
