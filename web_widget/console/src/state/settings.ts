import { create } from "zustand";
import { persist } from "zustand/middleware";

export interface Settings {
  language: "zh-CN" | "en";
  theme: "auto" | "light" | "dark";
  sound: boolean;
  panel: boolean;
  asked: boolean;
  set: (change: Partial<Omit<Settings, "set">>) => void;
}

const first = (): "zh-CN" | "en" =>
  typeof navigator !== "undefined" && !navigator.language.toLowerCase().startsWith("zh") ? "en" : "zh-CN";

/** What this browser's user prefers; kept in localStorage. */
export const useSettings = create<Settings>()(
  persist(
    (set) => ({
      language: first(),
      theme: "auto",
      sound: true,
      panel: true,
      asked: false,
      set: (change) => set(change),
    }),
    { name: "jieli.desk.settings", version: 1 },
  ),
);
