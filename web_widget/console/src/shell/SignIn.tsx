import { LockOutlined, MailOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Flex, Form, Input, Segmented, Typography } from "antd";
import { useState } from "react";
import { useText, type Language } from "../i18n";
import { api } from "../lib/api";
import { errorText } from "../lib/errors";
import type { Session } from "../lib/types";
import { useSettings } from "../state/settings";
import { Mark } from "./Mark";

const EMAIL = "jieli.desk.email";

export function SignIn({ expired, onEnter }: { expired: boolean; onEnter: (session: Session) => void }) {
  const { t, language } = useText();
  const set = useSettings((s) => s.set);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const submit = async ({ email, password }: { email: string; password: string }) => {
    setBusy(true);
    setError(null);
    try {
      const session = await api.login(email.trim(), password);
      localStorage.setItem(EMAIL, email.trim());
      onEnter(session);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Flex vertical align="center" justify="center" className="full signin">
      <Card className="signin-card" variant="borderless">
        <Flex justify="space-between" align="center" className="signin-head">
          <Mark />
          <Segmented
            size="small"
            aria-label={t("language.label")}
            value={language}
            options={[{ value: "zh-CN", label: "中文" }, { value: "en", label: "English" }]}
            onChange={(value) => set({ language: value as Language })}
          />
        </Flex>
        <Typography.Title level={3}>{t("signin.title")}</Typography.Title>
        <Typography.Paragraph type="secondary">{t("signin.lead")}</Typography.Paragraph>
        {expired && !error ? <Alert type="info" showIcon title={t("signin.expired")} className="gap-below" /> : null}
        {error ? <Alert type="error" showIcon role="alert" title={errorText(error, t)} className="gap-below" /> : null}
        <Form
          layout="vertical"
          requiredMark={false}
          onFinish={submit}
          initialValues={{ email: localStorage.getItem(EMAIL) ?? "" }}
        >
          <Form.Item name="email" label={t("signin.email")} rules={[{ required: true, message: t("signin.need_email") }]}>
            <Input prefix={<MailOutlined />} autoComplete="username" type="email" autoFocus size="large" />
          </Form.Item>
          <Form.Item
            name="password"
            label={t("signin.password")}
            rules={[{ required: true, message: t("signin.need_password") }]}
          >
            <Input.Password prefix={<LockOutlined />} autoComplete="current-password" size="large" />
          </Form.Item>
          <Button type="primary" htmlType="submit" size="large" block loading={busy}>
            {t("signin.submit")}
          </Button>
        </Form>
        <Typography.Paragraph type="secondary" className="signin-foot">
          {t("signin.help")}
        </Typography.Paragraph>
      </Card>
    </Flex>
  );
}
