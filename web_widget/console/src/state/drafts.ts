import { create } from "zustand";
import { persist } from "zustand/middleware";

export interface Draft {
  text: string;
  kind: "text" | "note";
}

const EMPTY: Draft = { text: "", kind: "text" };

interface Drafts {
  drafts: Record<string, Draft>;
  set: (conv: string, draft: Draft) => void;
  clearAll: () => void;
}

/** Half-written replies, one a conversation; they survive a reload and go with sign-out. */
export const useDrafts = create<Drafts>()(
  persist(
    (set) => ({
      drafts: {},
      set: (conv, draft) =>
        set(({ drafts }) => {
          const others = Object.fromEntries(Object.entries(drafts).filter(([id]) => id !== conv));
          return { drafts: draft.text || draft.kind === "note" ? { ...others, [conv]: draft } : others };
        }),
      clearAll: () => set({ drafts: {} }),
    }),
    { name: "jieli.desk.drafts", version: 1 },
  ),
);

export function draftOf(drafts: Record<string, Draft>, conv: string): Draft {
  return drafts[conv] ?? EMPTY;
}
