import { DownOutlined } from "@ant-design/icons";
import { App, Badge, Button, Divider, Empty, Skeleton, Typography } from "antd";
import { Fragment, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { again, loadOlder } from "../connection";
import { useText } from "../i18n";
import { errorText } from "../lib/errors";
import { dayOf } from "../lib/time";
import type { VerdictView } from "../lib/types";
import { useNow } from "../lib/useNow";
import { visitorRead, type Log, type Typist } from "../state/log";
import type { Row } from "../wire";
import { EventRow, MessageRow, PendingRow } from "./MessageRow";
import { SafeText } from "./SafeText";

const TOGETHER = 3 * 60_000; // rows of one author within this stand under one name
const TYPING_MS = 7_000;

const speaks = (row: Row) => row.kind === "text" || row.kind === "note";

function TypistLine({ typist, name }: { typist: Typist; name: string }) {
  const { t } = useText();
  const now = useNow();
  if (now - typist.at > TYPING_MS) return null;
  return (
    <div className="row left typist">
      <Typography.Text type="secondary" className="small"><span className="dots" aria-hidden /> {t("msg.typing", { name: typist.name || name })}</Typography.Text>
      {typist.preview ? <div className="bubble preview-bubble">{typist.preview}</div> : null}
    </div>
  );
}

interface Props {
  conv: string;
  log: Log;
  me: string;
  visitor: string;
  verdicts: ReadonlyMap<number, VerdictView>;
}

export function MessageList({ conv, log, me, visitor, verdicts }: Props) {
  const { t, language } = useText();
  const { message } = App.useApp();
  const box = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const top = useRef(0);
  const inner = useRef<HTMLDivElement>(null);
  const height = useRef(0);
  const [fresh, setFresh] = useState(false);
  const [older, setOlder] = useState(false);
  const seenTo = visitorRead(log);
  const lastSeen = useMemo(() => log.rows.findLast((r) => r.who === me && r.seq <= seenTo && r.kind === "text")?.seq, [log.rows, seenTo, me]);
  const streams = Object.entries(log.streams);
  const tail = `${log.rows.at(-1)?.seq} ${log.pending.length} ${streams.map(([, text]) => text.length).join()} ${log.typist !== null} ${log.thinking}`;

  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    if (stuck.current) el.scrollTop = el.scrollHeight;
    else if (height.current) setFresh(true);
    height.current = el.scrollHeight;
  }, [tail]);

  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const watch = new ResizeObserver(() => stuck.current && (el.scrollTop = el.scrollHeight));
    watch.observe(el);
    if (inner.current) watch.observe(inner.current);
    return () => watch.disconnect();
  }, []);

  const scrolled = () => {
    const el = box.current;
    if (!el) return;
    const near = el.scrollHeight - el.scrollTop - el.clientHeight < 60;
    // Only a move upwards lets go of the end: rows that grow also change the distance.
    if (near) stuck.current = true;
    else if (el.scrollTop < top.current - 2) stuck.current = false;
    top.current = el.scrollTop;
    if (near) setFresh(false);
  };
  const toEnd = () => {
    stuck.current = true;
    setFresh(false);
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  const more = async () => {
    const el = box.current;
    const before = el?.scrollHeight ?? 0;
    setOlder(true);
    try {
      await loadOlder(conv);
      requestAnimationFrame(() => el && (el.scrollTop += el.scrollHeight - before));
    } catch (error) {
      message.error(errorText(error, t));
    } finally {
      setOlder(false);
    }
  };
  const nameOf = (row: Row) => row.name || (row.from === "visitor" ? visitor : row.from === "bot" ? t("from.bot") : t("from.agent"));

  return (
    <div className="log-wrap">
      <div className="log" ref={box} onScroll={scrolled} role="log" aria-live="polite" aria-label={t("chat.log")} tabIndex={0}>
        <div ref={inner}>
        {log.more ? <Button type="link" block onClick={more} loading={older}>{t("chat.older")}</Button> : null}
        {!log.loaded ? <Skeleton active avatar paragraph={{ rows: 4 }} /> : null}
        {log.loaded && log.rows.length === 0 ? <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("chat.empty")} /> : null}
        {log.rows.map((row, i) => {
          const before = log.rows[i - 1];
          const day = !before || new Date(before.ts).toDateString() !== new Date(row.ts).toDateString();
          const head = day || !before || !speaks(before) || before.from !== row.from || before.who !== row.who || before.kind !== row.kind || row.ts - before.ts > TOGETHER;
          return (
            <Fragment key={row.seq}>
              {day ? <Divider plain className="day">{dayOf(row.ts, language)}</Divider> : null}
              {speaks(row) ? (
                <MessageRow row={row} head={head} mine={row.who === me} seen={row.seq === lastSeen} name={nameOf(row)} verdict={verdicts.get(row.seq)} />
              ) : (
                <EventRow row={row} />
              )}
            </Fragment>
          );
        })}
        {streams.map(([id, text]) => (
          <div key={id} className="row right bot head"><div className="bubble-wrap"><div className="bubble"><SafeText text={text} /></div></div></div>
        ))}
        {log.thinking && !streams.length ? <div className="row right"><Typography.Text type="secondary" className="small"><span className="dots" aria-hidden /> {t("msg.thinking")}</Typography.Text></div> : null}
        {log.pending.map((item) => <PendingRow key={item.cid} item={item} onAgain={() => again(conv, item.cid)} />)}
        {log.typist ? <TypistLine typist={log.typist} name={visitor} /> : null}
        </div>
      </div>
      {fresh ? <Badge dot className="to-end"><Button shape="round" size="small" icon={<DownOutlined />} onClick={toEnd}>{t("chat.new")}</Button></Badge> : null}
    </div>
  );
}
