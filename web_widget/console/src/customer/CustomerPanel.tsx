import { CheckCircleFilled } from "@ant-design/icons";
import { Avatar, Collapse, Descriptions, Flex, Skeleton, Tag, Timeline, Typography, type DescriptionsProps } from "antd";
import { useConversation } from "../chat/useConversation";
import { isTextKey, useText } from "../i18n";
import { moment } from "../lib/time";
import { tint } from "../lib/tint";
import type { Customer, PastRow } from "../lib/types";
import type { Row } from "../wire";
import { EscalationSection } from "./EscalationSection";
import { Trend } from "./Trend";

function Who({ name, visitor }: { name: string; visitor: Customer }) {
  const { t } = useText();
  return (
    <Flex gap={12} align="center" className="who">
      <Avatar size={44} style={{ background: tint(visitor.id) }}>{[...name][0]}</Avatar>
      <div className="min0">
        <Typography.Text strong ellipsis className="block">{name}</Typography.Text>
        <Flex gap={4} wrap>
          {visitor.verified ? (
            <Tag variant="filled" color="green" icon={<CheckCircleFilled />}>{t("panel.verified")}</Tag>
          ) : (
            <Tag variant="filled">{t("panel.unverified")}</Tag>
          )}
          {visitor.tier ? <Tag variant="filled" color="gold">{visitor.tier}</Tag> : null}
        </Flex>
      </div>
    </Flex>
  );
}

function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

function Past({ rows, onOpen }: { rows: PastRow[]; onOpen: (conv: string) => void }) {
  const { t, language, w } = useText();
  if (!rows.length) return <Typography.Text type="secondary">{t("panel.no_past")}</Typography.Text>;
  return (
    <Flex vertical gap={2}>
      {rows.map((row) => {
        const id = row.conv ?? row.id ?? "";
        return (
          <button key={id} type="button" className="past" onClick={() => onOpen(id)}>
            <Typography.Text ellipsis className="grow">{row.preview || w("status", row.status)}</Typography.Text>
            <Typography.Text type="secondary" className="small nowrap">{moment(row.last_activity ?? row.opened, language)}</Typography.Text>
          </button>
        );
      })}
    </Flex>
  );
}

function Events({ rows }: { rows: readonly Row[] }) {
  const { t, language } = useText();
  const items = rows
    .filter((row) => row.kind === "event")
    .map((row) => {
      const given = row.body[language === "en" ? "text_en" : "text_zh"];
      const key = `event.${String(row.body["event"])}`;
      const text = typeof given === "string" && given ? given : isTextKey(key) ? t(key) : String(row.body["event"]);
      return { key: row.seq, content: <>{text}<br /><Typography.Text type="secondary" className="small">{moment(row.ts, language)}</Typography.Text></> };
    });
  return <Timeline items={items} className="events" />;
}

export function CustomerPanel({ conv, onOpen }: { conv: string; onOpen: (conv: string) => void }) {
  const { t, w } = useText();
  const { detail, log, verdicts, name } = useConversation(conv);
  if (!detail) return <div className="panel"><Skeleton active avatar paragraph={{ rows: 6 }} /></div>;
  const { visitor } = detail;
  const contact = [
    visitor.email ? { key: "e", label: t("panel.email"), children: <Typography.Text copyable>{visitor.email}</Typography.Text> } : null,
    visitor.phone ? { key: "p", label: t("panel.phone"), children: <Typography.Text copyable>{visitor.phone}</Typography.Text> } : null,
    { key: "l", label: t("panel.language"), children: w("lang", detail.language) },
  ].filter((item) => item !== null) satisfies DescriptionsProps["items"];
  const attributes = Object.entries(visitor.attributes ?? {}).map(([key, value]) => ({ key, label: key, children: shown(value) }));
  const turns = [...verdicts.values()].sort((a, b) => a.seq - b.seq);
  const past = (detail.past ?? []).filter((row) => (row.conv ?? row.id) !== conv);
  return (
    <div className="panel">
      <Who name={name} visitor={visitor} />
      {visitor.email || visitor.phone || visitor.verified ? null : <Typography.Paragraph type="secondary" className="small">{t("panel.anonymous")}</Typography.Paragraph>}
      <Descriptions size="small" column={1} items={contact} />
      <Collapse
        ghost
        size="small"
        className="sections"
        defaultActiveKey={["escalation", "trend", "attributes", "past"]}
        items={[
          { key: "escalation", label: t("panel.escalation"), children: <EscalationSection conv={conv} escalation={detail.escalations?.at(-1)} /> },
          ...(turns.length > 1 ? [{ key: "trend", label: t("panel.trend"), children: <Trend verdicts={turns} /> }] : []),
          ...(attributes.length ? [{ key: "attributes", label: t("panel.attributes"), children: <Descriptions size="small" column={1} items={attributes} /> }] : []),
          { key: "past", label: t("panel.past"), children: <Past rows={past} onOpen={onOpen} /> },
          { key: "timeline", label: t("panel.timeline"), children: <Events rows={log.rows} /> },
        ]}
      />
    </div>
  );
}
