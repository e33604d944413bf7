import { useEffect, useRef } from "react";

export type Keys = Partial<Record<"alt+j" | "alt+k" | "alt+a" | "alt+e" | "alt+p" | "alt+l" | "escape" | "mod+k" | "?" | "enter", () => void>>;

function typingIn(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function onControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("button,a,[role=button],[role=menuitem],[role=option],[role=dialog]") !== null;
}

/** The name of a key press; letters by position, since Alt changes the character on some systems. */
export function keyName(event: KeyboardEvent): string {
  const letter = event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : event.key.toLowerCase();
  if (event.altKey && !event.ctrlKey && !event.metaKey) return `alt+${letter}`;
  if (event.ctrlKey || event.metaKey) return `mod+${letter}`;
  return event.key === "?" ? "?" : event.key.toLowerCase();
}

/** Shortcuts of a page. Plain keys do nothing while a field or a control has the focus, or an input method composes. */
export function useHotkeys(keys: Keys): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.isComposing || event.defaultPrevented) return;
      const name = keyName(event);
      const run = latest.current[name as keyof Keys];
      if (!run) return;
      if ((name === "?" || name === "enter") && (typingIn(event.target) || onControl(event.target))) return;
      event.preventDefault();
      run();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
