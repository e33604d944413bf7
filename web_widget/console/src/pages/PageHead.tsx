import { Flex, Typography } from "antd";
import type { ReactNode } from "react";

export function PageHead({ title, lead, extra }: { title: string; lead: string; extra?: ReactNode }) {
  return (
    <Flex justify="space-between" align="end" gap={16} wrap className="page-head">
      <div>
        <Typography.Title level={4}>{title}</Typography.Title>
        <Typography.Text type="secondary">{lead}</Typography.Text>
      </div>
      {extra}
    </Flex>
  );
}
