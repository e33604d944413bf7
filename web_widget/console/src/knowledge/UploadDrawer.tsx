import { InboxOutlined } from "@ant-design/icons";
import { useQueryClient } from "@tanstack/react-query";
import type { IngestReport } from "@jieli/protocol";
import { App, AutoComplete, Button, Checkbox, Drawer, Flex, Form, Input, Progress, Tabs, Tag, Typography, Upload } from "antd";
import { useState } from "react";
import { useText } from "../i18n";
import { knowledgeApi } from "../lib/api";
import { errorText } from "../lib/errors";
import { uploadFile } from "./upload";

const KINDS = ".md,.markdown,.html,.htm,.txt,.pdf,.docx,.xlsx,.csv,.jsonl";
const TONE = { indexed: "green", skipped: "default", failed: "red" } as const;

interface Line {
  key: string;
  name: string;
  part: number;
  reports: IngestReport[] | null;
  error: string | null;
}

function LineRow({ line }: { line: Line }) {
  const { t, language } = useText();
  return (
    <div className="up-line">
      <Typography.Text strong ellipsis className="block">{line.name}</Typography.Text>
      {line.error ? <Typography.Text type="danger">{line.error}</Typography.Text> : null}
      {!line.reports && !line.error ? (
        <>
          <Progress aria-label={line.name} percent={Math.round(line.part * 100)} size="small" status="active" />
          <Typography.Text type="secondary" className="small">{line.part === 0 ? t("up.waiting") : line.part < 1 ? t("up.sending") : t("up.reading")}</Typography.Text>
        </>
      ) : null}
      {line.reports?.map((r, i) => {
        const reason = language === "en" ? r.reason_en : r.reason_zh;
        return (
          <Flex key={i} gap={8} wrap align="center">
            <Tag variant="filled" color={TONE[r.status]}>{t(`up.${r.status}`)}</Tag>
            {r.status === "indexed" ? <Typography.Text type="secondary" className="small">{t("up.chunks", { n: r.chunks })} · {r.ms} ms</Typography.Text> : null}
            {reason ? <Typography.Text type={r.status === "failed" ? "danger" : "secondary"} className="small">{reason}</Typography.Text> : null}
          </Flex>
        );
      })}
    </div>
  );
}

interface Props {
  open: boolean;
  collections: string[];
  onClose: () => void;
}

export function UploadDrawer({ open, collections, onClose }: Props) {
  const { t } = useText();
  const { message } = App.useApp();
  const client = useQueryClient();
  const [files, setFiles] = useState<File[]>([]);
  const [lines, setLines] = useState<Line[]>([]);
  const [busy, setBusy] = useState(false);
  const [collection, setCollection] = useState("default");
  const [publish, setPublish] = useState(true);

  const change = (key: string, what: Partial<Line>) => setLines((all) => all.map((l) => (l.key === key ? { ...l, ...what } : l)));
  const finish = () => {
    setBusy(false);
    void client.invalidateQueries({ queryKey: ["kb"] });
  };

  const sendFiles = async () => {
    const batch = files.map((file, i) => ({ file, key: `${i} ${file.name}` }));
    setLines(batch.map(({ file, key }) => ({ key, name: file.name, part: 0, reports: null, error: null })));
    setFiles([]);
    setBusy(true);
    for (const { file, key } of batch) {
      try {
        const reports = await uploadFile(file, { collection, publish }, (part) => change(key, { part }));
        change(key, { reports });
      } catch (error) {
        change(key, { error: errorText(error, t) });
      }
    }
    finish();
  };
  const sendUrl = async ({ url }: { url: string }) => {
    setLines([{ key: url, name: url, part: 1, reports: null, error: null }]);
    setBusy(true);
    try {
      change(url, { reports: await knowledgeApi.fetchUrl(url, collection, publish) });
    } catch (error) {
      change(url, { error: errorText(error, t) });
      message.error(errorText(error, t));
    }
    finish();
  };

  const target = (
    <Flex gap={16} align="center" wrap className="gap-below">
      <Flex gap={8} align="center">
        <Typography.Text>{t("up.target")}</Typography.Text>
        <AutoComplete value={collection} onChange={setCollection} options={collections.map((value) => ({ value }))} className="pick-status" aria-label={t("up.target")} />
      </Flex>
      <Checkbox checked={publish} onChange={(e) => setPublish(e.target.checked)}>{t("up.publish")}</Checkbox>
    </Flex>
  );
  const dragger = (
    <Flex vertical gap={16}>
      <Upload.Dragger
        multiple
        accept={KINDS}
        disabled={busy}
        fileList={files.map((file, i) => ({ uid: String(i), name: file.name, size: file.size }))}
        beforeUpload={(file) => {
          setFiles((all) => [...all, file]);
          return false;
        }}
        onRemove={(gone) => setFiles((all) => all.filter((_, i) => String(i) !== gone.uid))}
      >
        <p className="ant-upload-drag-icon"><InboxOutlined /></p>
        <p className="ant-upload-text">{t("up.drop")}</p>
        <p className="ant-upload-hint">{t("up.kinds")}</p>
      </Upload.Dragger>
      <Button type="primary" block disabled={!files.length || !collection} loading={busy} onClick={() => void sendFiles()}>{t("up.start", { n: files.length })}</Button>
    </Flex>
  );
  const byUrl = (
    <Form layout="vertical" onFinish={sendUrl}>
      <Form.Item name="url" label={t("up.url")} extra={t("up.url_hint")} rules={[{ required: true, pattern: /^https?:\/\/\S+$/i, message: t("up.bad_url") }]}>
        <Input placeholder="https://" inputMode="url" />
      </Form.Item>
      <Button type="primary" htmlType="submit" block loading={busy} disabled={!collection}>{t("up.fetch")}</Button>
    </Form>
  );

  return (
    <Drawer open={open} onClose={onClose} title={t("up.title")} size={520}>
      {target}
      <Tabs items={[{ key: "files", label: t("up.files"), children: dragger }, { key: "url", label: t("up.url"), children: byUrl }]} />
      {lines.length ? (
        <div aria-live="polite" className="up-lines">
          <Typography.Title level={5}>{t("up.report")}</Typography.Title>
          {lines.map((line) => <LineRow key={line.key} line={line} />)}
        </div>
      ) : null}
    </Drawer>
  );
}
