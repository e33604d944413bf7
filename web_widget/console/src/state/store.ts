/** The one store: the desk value and the session; components read slices of it. */
import { create } from "zustand";
import type { Session } from "../lib/types";
import type { ServerFrame } from "../wire";
import { emptyDesk, reduce, type Desk } from "./desk";

export type Net = { state: "connecting" | "online" | "waiting" } | { state: "closed"; reason: string };

interface Store {
  session: Session | null;
  net: Net;
  desk: Desk;
  setNet: (net: Net) => void;
  start: (session: Session) => void;
  stop: () => void;
  setSession: (session: Session) => void;
  apply: (frame: ServerFrame) => void;
  update: (change: (desk: Desk) => Desk) => void;
}

export const useStore = create<Store>()((set) => ({
  session: null,
  net: { state: "connecting" },
  desk: emptyDesk(),
  setNet: (net) => set({ net }),
  start: (session) => set({ session, desk: emptyDesk(session.agent.id), net: { state: "connecting" } }),
  stop: () => set({ session: null, desk: emptyDesk() }),
  setSession: (session) => set({ session }),
  apply: (frame) => set((s) => ({ desk: reduce(s.desk, frame, Date.now()) })),
  update: (change) => set((s) => ({ desk: change(s.desk) })),
}));

export const deskNow = (): Desk => useStore.getState().desk;

export function useDesk<T>(pick: (desk: Desk) => T): T {
  return useStore((s) => pick(s.desk));
}
