import type { Theme } from "../shared/messages.ts";

const HEX = /^#[0-9a-f]{6}$/i;

/** Relative luminance (WCAG 2) of #rrggbb. */
export function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Sets light or dark and the theme colour on the page; styles do the rest by custom properties. */
export function paintTheme(theme: Theme, color: string | null): void {
  const root = document.documentElement;
  const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "dark" : "light";
  if (!color || !HEX.test(color)) return;
  root.style.setProperty("--brand", color);
  root.style.setProperty("--on-brand", luminance(color) > 0.4 ? "#10161c" : "#fff");
}
