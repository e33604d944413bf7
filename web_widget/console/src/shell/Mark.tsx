import { Flex, Typography } from "antd";
import { useText } from "../i18n";

export function Mark({ short = false }: { short?: boolean }) {
  const { t } = useText();
  return (
    <Flex align="center" gap={8}>
      <img src={`${import.meta.env.BASE_URL}favicon.svg`} width={26} height={26} alt="" />
      {short ? null : <Typography.Text strong className="brand">{t("app.name")}</Typography.Text>}
    </Flex>
  );
}
