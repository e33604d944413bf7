import { useQuery } from "@tanstack/react-query";
import { Alert, App, Button, Empty, Space, Table, Tag, Typography } from "antd";
import { useState } from "react";
import { useLocation } from "wouter";
import { useText } from "../i18n";
import { api } from "../lib/api";
import { errorText } from "../lib/errors";
import { moment } from "../lib/time";
import type { LeftMessage } from "../lib/types";
import { PageHead } from "./PageHead";

export default function LeftMessagesPage() {
  const { t, language, w } = useText();
  const { message } = App.useApp();
  const [, go] = useLocation();
  const [busy, setBusy] = useState<string | null>(null);
  const { data = [], isPending, error, refetch } = useQuery({ queryKey: ["left"], queryFn: api.leftMessages, refetchInterval: 30_000 });
  const finish = async (id: string) => {
    setBusy(id);
    try {
      await api.finishLeftMessage(id);
      message.success(t("messages.finished"));
      await refetch();
    } catch (failure) {
      message.error(errorText(failure, t));
    } finally {
      setBusy(null);
    }
  };
  return (
    <div className="page">
      <PageHead title={t("messages.title")} lead={t("messages.lead")} extra={<Button onClick={() => void refetch()}>{t("common.refresh")}</Button>} />
      {error ? <Alert type="error" showIcon title={errorText(error, t)} className="gap-below" /> : null}
      <Table<LeftMessage>
        rowKey="id"
        loading={isPending}
        dataSource={data}
        pagination={{ pageSize: 20, hideOnSinglePage: true }}
        scroll={{ x: 720 }}
        locale={{
          emptyText: (
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<Typography.Text strong>{t("messages.empty")}</Typography.Text>}>
              <Typography.Text type="secondary">{t("messages.empty.lead")}</Typography.Text>
            </Empty>
          ),
        }}
        columns={[
          { title: t("messages.when"), dataIndex: "created", width: 130, render: (value: LeftMessage["created"]) => moment(value, language) },
          { title: t("messages.contact"), dataIndex: "contact", width: 200, render: (text: string) => <Typography.Text copyable>{text}</Typography.Text> },
          { title: t("messages.text"), dataIndex: "text", render: (text: string) => <Typography.Paragraph ellipsis={{ rows: 2, expandable: true }} className="flat plain">{text}</Typography.Paragraph> },
          { title: t("messages.state"), dataIndex: "state", width: 100, render: (state: string) => <Tag variant="filled" color={state === "open" ? "orange" : "default"}>{w("messages.state", state)}</Tag> },
          {
            width: 240,
            render: (_, row) => {
              const conv = row.conv ?? row.conversation;
              return (
                <Space wrap size={0}>
                  {row.state === "open" ? <Button size="small" loading={busy === row.id} onClick={() => void finish(row.id)}>{t("messages.finish")}</Button> : null}
                  {conv ? <Button type="link" size="small" onClick={() => go(`/c/${conv}`)}>{t("messages.open")}</Button> : null}
                </Space>
              );
            },
          },
        ]}
      />
    </div>
  );
}
