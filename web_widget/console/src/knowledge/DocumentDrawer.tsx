import { useQuery } from "@tanstack/react-query";
import { Alert, Card, Descriptions, Drawer, Flex, Skeleton, Tabs, Typography } from "antd";
import { safeUrl } from "../chat/SafeText";
import { useText } from "../i18n";
import { knowledgeApi } from "../lib/api";
import { errorText } from "../lib/errors";
import { moment } from "../lib/time";

/** A document as the bot sees it: its text, and the chunks it is found by. */
export function DocumentDrawer({ id, onClose }: { id: string | null; onClose: () => void }) {
  const { t, language, w } = useText();
  const { data, error } = useQuery({ queryKey: ["kb", "document", id], queryFn: () => knowledgeApi.document(id ?? ""), enabled: id !== null });
  const source = data?.url && safeUrl(data.url) ? <a href={data.url} target="_blank" rel="noopener nofollow noreferrer">{data.url}</a> : data?.path;
  return (
    <Drawer open={id !== null} onClose={onClose} size={640} title={data?.title ?? t("kb.doc")}>
      {error ? <Alert type="error" showIcon title={errorText(error, t)} /> : null}
      {!data && !error ? <Skeleton active /> : null}
      {data ? (
        <>
          <Descriptions
            size="small"
            column={1}
            items={[
              { key: "s", label: t("kb.source"), children: source },
              { key: "st", label: t("kb.status"), children: data.error ?? w("kb.status", data.status) },
              { key: "u", label: t("kb.updated"), children: moment(data.updated, language) },
            ]}
          />
          <Tabs
            items={[
              {
                key: "chunks",
                label: `${t("kb.chunks")} ${data.chunks.length}`,
                children: (
                  <Flex vertical gap={8}>
                    {data.chunks.map((c) => (
                      <Card key={c.id} size="small" title={c.heading || t("kb.chunk", { n: c.ordinal + 1 })} extra={<Typography.Text type="secondary" className="small">{t("kb.chunk", { n: c.ordinal + 1 })}</Typography.Text>}>
                        <div className="plain">{c.text}</div>
                      </Card>
                    ))}
                  </Flex>
                ),
              },
              { key: "text", label: t("kb.text"), children: <div className="plain doc-text">{data.text}</div> },
            ]}
          />
        </>
      ) : null}
    </Drawer>
  );
}
