import type { ReactNode } from "react";

export function Section(props: { title: string; note?: string; children: ReactNode }) {
  return (
    <section>
      <h2>{props.title}</h2>
      {props.note && <p className="note">{props.note}</p>}
      {props.children}
    </section>
  );
}
