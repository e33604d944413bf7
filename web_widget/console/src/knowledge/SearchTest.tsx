import { useQuery } from "@tanstack/react-query";
import type { SearchAnswer } from "@jieli/protocol";
import { Alert, Card, Empty, Flex, Input, Progress, Select, Skeleton, Tag, Typography } from "antd";
import { useState } from "react";
import { isTextKey, useText } from "../i18n";
import { knowledgeApi } from "../lib/api";
import { errorText } from "../lib/errors";
import { useCollections } from "./useCollections";

type Hit = SearchAnswer["hits"][number];

function HitCard({ hit, n }: { hit: Hit; n: number }) {
  const { t } = useText();
  return (
    <Card
      size="small"
      title={<Flex vertical><Typography.Text ellipsis>{n}. {hit.title}</Typography.Text><Typography.Text type="secondary" ellipsis className="small">{[hit.heading, hit.path].filter(Boolean).join(" · ")}</Typography.Text></Flex>}
      extra={<Typography.Text strong>{hit.score.toFixed(3)}</Typography.Text>}
    >
      <Typography.Paragraph ellipsis={{ rows: 4, expandable: "collapsible" }} className="plain flat">{hit.text}</Typography.Paragraph>
      <Flex gap={6} wrap className="marks">
        {Object.entries(hit.stages).map(([stage, score]) => {
          const key = `try.${stage}`;
          return <Tag key={stage} variant="filled">{isTextKey(key) ? t(key) : stage} {typeof score === "number" ? score.toFixed(3) : "–"}</Tag>;
        })}
      </Flex>
    </Card>
  );
}

export function SearchTest() {
  const { t } = useText();
  const [asked, setAsked] = useState({ q: "", collection: "" });
  const [collection, setCollection] = useState("");
  const collections = useCollections();
  const { data, error, isFetching } = useQuery({
    queryKey: ["kb", "search", asked],
    queryFn: () => knowledgeApi.search(asked.q, asked.collection, 10),
    enabled: asked.q !== "",
  });
  const percent = Math.round((data?.confidence ?? 0) * 100);
  return (
    <div className="search-test">
      <Typography.Paragraph type="secondary">{t("try.lead")}</Typography.Paragraph>
      <Flex gap={8} wrap className="toolbar">
        <Input.Search className="grow" size="large" enterButton={t("try.run")} loading={isFetching} placeholder={t("try.placeholder")} aria-label={t("try.placeholder")} onSearch={(q) => q.trim() && setAsked({ q: q.trim(), collection })} />
        <Select size="large" className="pick-collection" aria-label={t("kb.collection")} value={collection} options={collections.options} onChange={setCollection} />
      </Flex>
      {error ? <Alert type="error" showIcon title={errorText(error, t)} /> : null}
      {isFetching && !data ? <Skeleton active /> : null}
      {!asked.q ? <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("try.start")} /> : null}
      {data ? (
        <Flex vertical gap={12}>
          <Alert
            type={data.answered ? "success" : "warning"}
            showIcon
            title={t(data.answered ? "try.yes" : "try.no")}
            description={
              <Flex gap={12} align="center">
                <span className="nowrap">{t("try.confidence")} {percent}%</span>
                <Progress aria-label={t("try.confidence")} percent={percent} showInfo={false} size="small" className="confidence" />
                <Typography.Text type="secondary" className="small nowrap">{t("try.ms", { n: Math.round(data.ms) })}</Typography.Text>
              </Flex>
            }
          />
          {data.hits.map((hit, i) => <HitCard key={hit.chunk} hit={hit} n={i + 1} />)}
          {data.hits.length ? null : <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<><Typography.Text strong>{t("try.none")}</Typography.Text><br />{t("try.none.lead")}</>} />}
        </Flex>
      ) : null}
    </div>
  );
}
