const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A count, with separators. */
export function count(value: number): string {
  return whole.format(value);
}

/** A figure with about three digits: 0.312, 4.25, 87.1, 1,204. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return new Intl.NumberFormat("en", { maximumFractionDigits: Math.min(digits, 4) }).format(value);
}

export function percent(share: number): string {
  return `${figure(share * 100)}%`;
}

/** A share as the title of a percentile: "99%", and the last is the maximum. */
export function percentile(share: string): string {
  const value = Number(share);
  return value === 1 ? "100% (max)" : `${Number((value * 100).toFixed(6))}%`;
}

/** A moment as the reader's clock shows it. */
export function moment(time: string | number | null): string {
  if (time === null) return "";
  return new Date(typeof time === "number" ? time * 1000 : time).toLocaleString();
}
