import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { useText } from "../i18n";
import { api } from "../lib/api";
import type { Detail, Status, VerdictView } from "../lib/types";
import { withLog } from "../state/desk";
import { EMPTY_LOG, markRead, type Log } from "../state/log";
import { useDesk, useStore } from "../state/store";

export interface Open {
  detail: Detail | undefined;
  log: Log;
  verdicts: ReadonlyMap<number, VerdictView>;
  status: Status;
  agent: string | null;
  agentName: string | null;
  name: string;
  language: string;
}

const SETTLE = 400; // a verdict is stored a moment after its turn

export function useDetail(conv: string) {
  return useQuery({ queryKey: ["conversation", conv], queryFn: () => api.conversation(conv) });
}

/** What is known of the open conversation: frames first, HTTP for the rest, fetched again when rows come. */
export function useConversation(conv: string): Open {
  const { guest } = useText();
  const client = useQueryClient();
  const { data: detail } = useDetail(conv);
  const { data: list = [] } = useQuery({ queryKey: ["verdicts", conv], queryFn: () => api.verdicts(conv) });
  const log = useDesk((d) => d.logs[conv]) ?? EMPTY_LOG;
  const item = useDesk((d) => d.items[conv]);
  const version = item?.version ?? 0;
  const lastVisitor = useMemo(() => log.rows.findLast((r) => r.from === "visitor")?.seq ?? 0, [log.rows]);
  const lastEvent = useMemo(() => log.rows.findLast((r) => r.kind === "event")?.seq ?? 0, [log.rows]);

  useEffect(() => {
    if (!lastVisitor) return;
    const timers = [SETTLE, SETTLE * 6].map((ms) => setTimeout(() => void client.invalidateQueries({ queryKey: ["verdicts", conv] }), ms));
    return () => timers.forEach(clearTimeout);
  }, [lastVisitor, client, conv]);
  useEffect(() => {
    if (version || lastEvent) void client.invalidateQueries({ queryKey: ["conversation", conv] });
  }, [version, lastEvent, client, conv]);

  const read = detail?.visitor_read_seq ?? 0;
  useEffect(() => {
    if (read) useStore.getState().update((d) => withLog(d, conv, (known) => markRead(known, "visitor", read)));
  }, [read, conv]);

  const verdicts = useMemo(() => new Map(list.map((v) => [v.seq, v])), [list]);
  const newer = detail && (!item || detail.version >= item.version);
  return {
    detail,
    log,
    verdicts,
    status: (newer ? detail.status : item?.status) ?? "with_bot",
    agent: (newer ? detail.agent?.id : item?.agent) ?? null,
    agentName: (newer ? detail.agent?.name : item?.agent_name) ?? null,
    name: item || detail ? guest({ visitor_name: item?.visitor_name || detail?.visitor.name, visitor_short: item?.visitor_short ?? detail?.visitor.short }) : "…",
    language: item?.language ?? detail?.language ?? "zh-CN",
  };
}
