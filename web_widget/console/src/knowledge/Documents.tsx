import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { KnowledgeDocument } from "@jieli/protocol";
import { Alert, App, Button, Empty, Flex, Input, Popconfirm, Select, Space, Table, Tag, Tooltip, Typography } from "antd";
import { useDeferredValue, useState } from "react";
import { useText } from "../i18n";
import { knowledgeApi } from "../lib/api";
import { errorText } from "../lib/errors";
import { moment } from "../lib/time";
import { DocumentDrawer } from "./DocumentDrawer";
import { UploadDrawer } from "./UploadDrawer";
import { useCollections } from "./useCollections";

type Change = "publish" | "archive" | "delete";
const TONE: Record<string, string> = { published: "green", draft: "default", review: "gold", archived: "default", failed: "red" };
const STATUSES = ["published", "draft", "archived"] as const;

export function Documents() {
  const { t, language, w } = useText();
  const { message } = App.useApp();
  const client = useQueryClient();
  const [filter, setFilter] = useState({ collection: "", q: "", status: "" });
  const wanted = useDeferredValue(filter);
  const [open, setOpen] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const collections = useCollections();
  const { data = [], isPending, error } = useQuery({
    queryKey: ["kb", "documents", wanted],
    queryFn: () => knowledgeApi.documents(wanted),
    placeholderData: (before) => before,
  });
  const change = useMutation({
    mutationFn: ({ id, what }: { id: string; what: Change }) => knowledgeApi[what](id),
    onSuccess: (_, { what }) => {
      message.success(t(`kb.done.${what}`));
      void client.invalidateQueries({ queryKey: ["kb"] });
    },
    onError: (failure) => message.error(errorText(failure, t)),
  });
  const busy = (id: string) => change.isPending && change.variables.id === id;
  const filtered = Boolean(filter.q || filter.status || filter.collection);

  return (
    <>
      <Flex gap={8} wrap className="toolbar">
        <Input.Search allowClear className="find" placeholder={t("kb.find")} aria-label={t("kb.find")} onChange={(e) => setFilter({ ...filter, q: e.target.value })} />
        <Select className="pick-collection" aria-label={t("kb.collection")} value={filter.collection} options={collections.options} onChange={(collection) => setFilter({ ...filter, collection })} />
        <Select
          className="pick-status"
          aria-label={t("kb.status")}
          value={filter.status}
          options={[{ value: "", label: t("kb.any_status") }, ...STATUSES.map((s) => ({ value: s, label: t(`kb.status.${s}`) }))]}
          onChange={(status) => setFilter({ ...filter, status })}
        />
        <Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)} className="push">{t("kb.add")}</Button>
      </Flex>
      {error ? <Alert type="error" showIcon title={errorText(error, t)} className="gap-below" /> : null}
      <Table<KnowledgeDocument>
        rowKey="id"
        size="middle"
        loading={isPending}
        dataSource={data}
        scroll={{ x: 860 }}
        pagination={{ defaultPageSize: 20, hideOnSinglePage: true, showSizeChanger: true }}
        locale={{
          emptyText: error ? " " : (
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<Typography.Text strong>{t(filtered ? "kb.empty.found" : "kb.empty")}</Typography.Text>}>
              {filtered ? null : <Flex vertical gap={12} align="center"><Typography.Text type="secondary" className="narrow">{t("kb.empty.lead")}</Typography.Text><Button type="primary" onClick={() => setAdding(true)}>{t("kb.add")}</Button></Flex>}
            </Empty>
          ),
        }}
        columns={[
          {
            title: t("kb.doc"),
            dataIndex: "title",
            sorter: (a, b) => a.title.localeCompare(b.title, language),
            render: (title: string, d) => (
              <div className="doc-cell">
                <Button type="link" className="doc-title" onClick={() => setOpen(d.id)}>{title || d.path}</Button>
                <Typography.Text type="secondary" ellipsis className="small block">{d.url ?? d.path}</Typography.Text>
              </div>
            ),
          },
          {
            title: t("kb.status"),
            dataIndex: "status",
            width: 110,
            render: (status: string, d) =>
              d.error ? <Tooltip title={d.error}><Tag variant="filled" color="red">{t("kb.error")}</Tag></Tooltip> : <Tag variant="filled" color={TONE[status] ?? "default"}>{w("kb.status", status)}</Tag>,
          },
          { title: t("kb.chunks"), dataIndex: "chunks", width: 90, align: "right", sorter: (a, b) => a.chunks - b.chunks },
          { title: t("kb.language"), dataIndex: "language", width: 90, render: (l: string) => w("lang", l) },
          { title: t("kb.updated"), dataIndex: "updated", width: 130, render: (value: number | string) => moment(value, language) },
          {
            width: 210,
            align: "right",
            render: (_, d) => (
              <Space size={0}>
                {d.status === "published" ? (
                  <Button type="link" size="small" loading={busy(d.id)} onClick={() => change.mutate({ id: d.id, what: "archive" })}>{t("kb.archive")}</Button>
                ) : (
                  <Button type="link" size="small" loading={busy(d.id)} onClick={() => change.mutate({ id: d.id, what: "publish" })}>{t("kb.publish")}</Button>
                )}
                <Popconfirm title={t("kb.delete_sure", { title: d.title })} okText={t("kb.delete")} okButtonProps={{ danger: true }} onConfirm={() => change.mutate({ id: d.id, what: "delete" })}>
                  <Button type="link" size="small" danger>{t("kb.delete")}</Button>
                </Popconfirm>
              </Space>
            ),
          },
        ]}
      />
      <DocumentDrawer id={open} onClose={() => setOpen(null)} />
      <UploadDrawer open={adding} collections={collections.names} onClose={() => setAdding(false)} />
    </>
  );
}
