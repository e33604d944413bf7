import { useQuery } from "@tanstack/react-query";
import { Alert, Avatar, Badge, Card, Empty, Flex, Progress, Statistic, Table, Tag, Typography } from "antd";
import { useMemo } from "react";
import { useText } from "../i18n";
import { api } from "../lib/api";
import { errorText } from "../lib/errors";
import { clock, millis } from "../lib/time";
import { tint } from "../lib/tint";
import type { TeamMember } from "../lib/types";
import { useNow } from "../lib/useNow";
import { DOT } from "../shell/PresenceSwitch";
import { useSession } from "../state/session";
import { useDesk } from "../state/store";
import { PageHead } from "./PageHead";

const RANK = { online: 0, busy: 1, away: 2, offline: 3 } as const;

function Tiles({ team }: { team: TeamMember[] }) {
  const { t } = useText();
  const queue = useDesk((d) => d.queue);
  const now = useNow();
  const longest = Math.max(0, ...queue.map((row) => now - (millis(row.waiting_since) ?? now)));
  const tiles: [string, string | number][] = [
    [t("team.online"), team.filter((a) => a.availability === "online").length],
    [t("team.active"), team.reduce((sum, a) => sum + a.active, 0)],
    [t("team.waiting"), queue.length],
    [t("team.longest"), queue.length ? clock(longest) : "–"],
  ];
  return <div className="tiles">{tiles.map(([title, value]) => <Card key={title} size="small"><Statistic title={title} value={value} /></Card>)}</div>;
}

export default function TeamPage() {
  const { t, w } = useText();
  const { me } = useSession();
  const { data = [], isPending, error } = useQuery({ queryKey: ["agents"], queryFn: api.agents, refetchInterval: 30_000 });
  const live = useDesk((d) => d.team);
  const team = useMemo(
    () =>
      data
        .map((a) => ({ ...a, ...live[a.id] }))
        .filter((a) => a.role !== "editor")
        .sort((a, b) => RANK[a.availability] - RANK[b.availability] || a.name.localeCompare(b.name)),
    [data, live],
  );
  return (
    <div className="page">
      <PageHead title={t("team.title")} lead={t("team.lead")} />
      {error ? <Alert type="error" showIcon title={errorText(error, t)} className="gap-below" /> : null}
      <Tiles team={team} />
      <Table<TeamMember>
        rowKey="id"
        loading={isPending}
        dataSource={team}
        pagination={{ pageSize: 25, hideOnSinglePage: true }}
        scroll={{ x: 640 }}
        locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("team.empty")} /> }}
        columns={[
          {
            title: t("team.name"),
            dataIndex: "name",
            render: (name: string, a) => (
              <Flex gap={10} align="center">
                <Avatar size={30} style={{ background: tint(a.id) }}>{[...name][0]}</Avatar>
                <span>{name}{a.id === me.id ? <Typography.Text type="secondary"> ({t("team.me")})</Typography.Text> : null}</span>
              </Flex>
            ),
          },
          { title: t("team.presence"), dataIndex: "availability", render: (value: TeamMember["availability"]) => <Badge status={DOT[value]} text={t(`presence.${value}`)} /> },
          {
            title: t("team.load"),
            width: 180,
            render: (_, a) => <Progress aria-label={`${t("team.load")}: ${a.active}/${a.capacity}`} percent={(a.active / Math.max(1, a.capacity)) * 100} size="small" status={a.active >= a.capacity ? "exception" : "normal"} format={() => `${a.active}/${a.capacity}`} />,
          },
          { title: t("team.role"), dataIndex: "role", render: (role?: string) => (role ? w("role", role) : "") },
          { title: t("team.languages"), dataIndex: "languages", render: (list?: string[]) => (list ?? []).map((l) => <Tag key={l} variant="filled">{w("lang", l)}</Tag>) },
          { title: t("team.skills"), dataIndex: "skills", render: (list?: string[]) => (list ?? []).map((s) => <Tag key={s} variant="filled">{s}</Tag>) },
        ]}
      />
    </div>
  );
}
