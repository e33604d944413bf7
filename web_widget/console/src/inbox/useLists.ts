import { App } from "antd";
import { useCallback, useEffect, useState } from "react";
import { useText } from "../i18n";
import { api } from "../lib/api";
import { errorText } from "../lib/errors";
import type { View } from "../lib/types";
import { mergeRows } from "../state/desk";
import { useDesk, useStore } from "../state/store";

export interface Lists {
  view: View;
  setView: (view: View) => void;
  query: string;
  setQuery: (query: string) => void;
  found: string[];
  loading: boolean;
  more: boolean;
  loadMore: () => void;
}

const PAUSE = 250; // after the last key of a search, and between bursts of changes

/** Keeps the lists filled: fetched per view, again when a frame says that they are stale. */
export function useLists(): Lists {
  const { t } = useText();
  const { message } = App.useApp();
  const [view, setView] = useState<View>("mine");
  const [query, setQuery] = useState("");
  const [found, setFound] = useState<string[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const [loading, setLoading] = useState(true);
  const staleList = useDesk((d) => d.staleList);
  const online = useStore((s) => s.net.state === "online");

  const load = useCallback(
    async (from: string | null) => {
      setLoading(true);
      try {
        const answer = await api.conversations(query ? "all" : view, query, from);
        useStore.getState().update((d) => mergeRows(d, answer.conversations));
        const ids = answer.conversations.map((row) => row.conv);
        setFound((before) => (from ? [...before, ...ids] : ids));
        setCursor(answer.cursor ?? null);
      } catch (error) {
        message.error({ key: "lists", content: errorText(error, t) });
      } finally {
        setLoading(false);
      }
    },
    [view, query, message, t],
  );

  useEffect(() => {
    const timer = setTimeout(() => void load(null), query ? PAUSE : 30);
    return () => clearTimeout(timer);
  }, [load, query, staleList, online]);

  const loadMore = useCallback(() => void load(cursor), [load, cursor]);
  return { view, setView, query, setQuery, found, loading, more: cursor !== null, loadMore };
}

/** Keeps the queue as it is on the server, on every page: a frame says when it changed. */
export function useQueue(): void {
  const staleQueue = useDesk((d) => d.staleQueue);
  const online = useStore((s) => s.net.state === "online");
  useEffect(() => {
    const timer = setTimeout(() => {
      api.queue().then(
        (queue) => useStore.getState().update((d) => ({ ...d, queue, waiting: queue.length })),
        () => undefined,
      );
    }, 50);
    return () => clearTimeout(timer);
  }, [staleQueue, online]);
}
