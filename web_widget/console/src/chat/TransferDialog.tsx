import { useQuery } from "@tanstack/react-query";
import { App, Badge, Form, Input, Modal, Radio, Select } from "antd";
import { useState } from "react";
import { act } from "../connection";
import { useText } from "../i18n";
import { api } from "../lib/api";
import { errorText } from "../lib/errors";
import { DOT } from "../shell/PresenceSwitch";
import { useSession } from "../state/session";
import { useDesk } from "../state/store";
import { useUi } from "../state/ui";

interface Values {
  to: "queue" | "agent";
  queue?: string;
  agent?: string;
  note?: string;
}

export function TransferDialog({ conv, onDone }: { conv: string; onDone: () => void }) {
  const { t } = useText();
  const { message } = App.useApp();
  const { me } = useSession();
  const open = useUi((s) => s.open === "transfer");
  const show = useUi((s) => s.show);
  const team = useDesk((d) => d.team);
  const [form] = Form.useForm<Values>();
  const to = Form.useWatch("to", form);
  const [busy, setBusy] = useState(false);
  const others = Object.values(team).filter((a) => a.id !== me.id && a.availability === "online" && a.role !== "editor");
  const { data: queues = [] } = useQuery({ queryKey: ["queues"], queryFn: api.queues, enabled: open, staleTime: 5_000 });

  const submit = async (values: Values) => {
    setBusy(true);
    const target = values.to === "agent" ? { agent: values.agent } : { queue: values.queue ?? queues[0]?.id ?? "" };
    try {
      await act("transfer", conv, { ...target, ...(values.note?.trim() ? { note: values.note.trim() } : {}) });
      message.success(t("transfer.done"));
      show(null);
      form.resetFields();
      onDone();
    } catch (error) {
      message.error(errorText(error, t));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Modal open={open} onCancel={() => show(null)} onOk={form.submit} okText={t("chat.transfer")} confirmLoading={busy} title={t("transfer.title")} width={460}>
      <Form form={form} layout="vertical" initialValues={{ to: "queue" }} onFinish={submit}>
        <Form.Item name="to" label={t("transfer.to")} extra={to === "agent" ? null : t("transfer.queue_hint")}>
          <Radio.Group optionType="button" options={[{ value: "queue", label: t("transfer.queue") }, { value: "agent", label: t("transfer.agent") }]} />
        </Form.Item>
        {to === "queue" && queues.length ? (
          <Form.Item name="queue" initialValue={queues[0]?.id} rules={[{ required: true, message: t("transfer.pick_queue") }]}>
            <Select
              aria-label={t("transfer.pick_queue")}
              options={queues.map((q) => ({ value: q.id, label: t("transfer.queue_state", { name: q.name, online: q.online, waiting: q.waiting }) }))}
            />
          </Form.Item>
        ) : null}
        {to === "agent" ? (
          <Form.Item name="agent" rules={[{ required: true, message: t("transfer.pick") }]}>
            <Select
              aria-label={t("transfer.pick")}
              placeholder={t("transfer.pick")}
              notFoundContent={t("transfer.nobody")}
              options={others.map((a) => ({
                value: a.id,
                label: <Badge status={DOT[a.availability]} text={`${a.name} · ${a.active}/${a.capacity}`} />,
              }))}
            />
          </Form.Item>
        ) : null}
        <Form.Item name="note" label={t("transfer.note")}>
          <Input.TextArea rows={3} maxLength={2000} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
