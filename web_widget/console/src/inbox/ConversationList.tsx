import { Button, Empty, Flex, Input, Skeleton, Tabs, Typography } from "antd";
import { useText } from "../i18n";
import { act } from "../connection";
import type { View } from "../lib/types";
import { usePresence } from "../shell/PresenceSwitch";
import { listOf, queueOf } from "../state/desk";
import { useSession } from "../state/session";
import { useDesk } from "../state/store";
import { ConversationCard } from "./ConversationCard";
import { OfferCard } from "./OfferCard";
import { QueueCard } from "./QueueCard";
import { useOffers } from "./useOffers";
import type { Lists } from "./useLists";

const VIEWS: readonly View[] = ["mine", "waiting", "all", "resolved"];

function Teach({ view, searching }: { view: View; searching: boolean }) {
  const { t } = useText();
  const presence = usePresence();
  const off = view === "mine" && presence !== "online";
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} className="teach" description={<Typography.Text strong>{t(searching ? "empty.search" : `empty.${view}`)}</Typography.Text>}>
      {searching ? null : (
        <Flex vertical gap={12} align="center">
          <Typography.Text type="secondary">{off ? t("empty.mine.offline") : t(`empty.${view}.lead`)}</Typography.Text>
          {off ? <Button type="primary" onClick={() => void act("set_availability", null, { availability: "online" }).catch(() => undefined)}>{t("empty.go_online")}</Button> : null}
        </Flex>
      )}
    </Empty>
  );
}

interface Props {
  lists: Lists;
  onOpen: (conv: string) => void;
  onTake: (conv: string) => void;
}

export function ConversationList({ lists, onOpen, onTake }: Props) {
  const { t } = useText();
  const { me, supervises } = useSession();
  const items = useDesk((d) => d.items);
  const queue = useDesk((d) => d.queue);
  const offers = useDesk((d) => d.offers);
  const selected = useDesk((d) => d.selected);
  const { busy, accept, decline } = useOffers();
  const { view, setView, query, setQuery, found, loading, more, loadMore } = lists;

  const mine = listOf(items, "mine", me.id);
  const unread = mine.reduce((sum, item) => sum + (item.unread ? 1 : 0), 0);
  const counts: Partial<Record<View, number>> = { mine: mine.length, waiting: queue.length };
  const shown = query ? found.flatMap((id) => items[id] ?? []) : view === "mine" ? mine : listOf(items, view, me.id);
  const waiting = view === "waiting" && !query;
  const empty = waiting ? queue.length === 0 : shown.length === 0;

  return (
    <section className="list" aria-label={t("list.label")}>
      <div className="list-head">
        <Input.Search allowClear placeholder={t("list.search")} value={query} onChange={(e) => setQuery(e.target.value)} aria-label={t("list.search")} />
        <Tabs
          size="small"
          activeKey={view}
          onChange={(key) => setView(key as View)}
          items={VIEWS.map((key) => ({
            key,
            label: <span className={key === "mine" && unread ? "tab unread" : "tab"}>{t(`view.${key}`)}{counts[key] ? <span className="count">{counts[key]}</span> : null}</span>,
          }))}
        />
      </div>
      <div className="list-body">
        {view === "mine" && !query
          ? offers.map((o) => <OfferCard key={o.entry} compact offer={o} busy={busy === o.entry} onAccept={() => accept(o)} onDecline={() => decline(o)} />)
          : null}
        {waiting
          ? queueOf(queue).map((row) => (
              <QueueCard key={row.entry} row={row} selected={selected === row.conv} onOpen={() => onOpen(row.conv)} onTake={supervises ? () => onTake(row.conv) : null} />
            ))
          : shown.map((item) => (
              <ConversationCard key={item.conv} item={item} mine={item.agent === me.id} selected={selected === item.conv} showStatus={view === "all" || Boolean(query)} onOpen={() => onOpen(item.conv)} />
            ))}
        {loading && empty ? <Skeleton active avatar paragraph={{ rows: 2 }} className="list-wait" /> : null}
        {!loading && empty && !(view === "mine" && offers.length) ? <Teach view={view} searching={Boolean(query)} /> : null}
        {more && !waiting ? <Button type="link" block onClick={loadMore} loading={loading}>{t("common.more")}</Button> : null}
      </div>
    </section>
  );
}
