import { useCallback, useEffect, useState } from "react";

export type Theme = "dark" | "light";

/** The theme of the page: the one asked for, or what the reader's system prefers, until the reader changes it. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(() => {
    if (window.theme) return window.theme;
    return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  });
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  const change = useCallback(() => setTheme((now) => (now === "dark" ? "light" : "dark")), []);
  return [theme, change];
}
