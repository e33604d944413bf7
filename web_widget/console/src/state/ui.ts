import { create } from "zustand";

export type Sheet = "palette" | "help" | "transfer" | "panel";

interface Ui {
  open: Sheet | null;
  show: (sheet: Sheet | null) => void;
}

/** Which overlay is open; one at a time. */
export const useUi = create<Ui>()((set) => ({ open: null, show: (open) => set({ open }) }));
