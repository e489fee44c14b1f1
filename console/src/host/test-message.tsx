import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask, type Body, newKey } from '../api/client.ts';
import { untilTraced } from '../api/until-traced.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';

const LATELY = 10_000;

/** Sends a user's test message into a host, and shows what happens to it. */
export function TestMessage({
  host,
  onClose,
}: {
  readonly host: string;
  readonly onClose: () => void;
}): ReactElement {
  const client = useQueryClient();
  const navigate = useNavigate();
  // a second click, or another one after a lost answer, does not make a second message
  const [once] = useState(newKey);
  const send = useMutation({
    mutationFn: async (body: Body<'POST /hosts/{host}/test-message'>) => {
      const sent = await ask('POST /hosts/{host}/test-message', { path: { host }, body, once });
      await untilTraced(sent.messageId, { hosts: [host], from: serverNow() - LATELY });
      return sent;
    },
    onSuccess: async ({ sessionId }) => {
      await client.invalidateQueries();
      onClose();
      await navigate({ to: '/sessions/$id', params: { id: sessionId } });
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const given = [...form].map(([key, value]) => [key, (value as string).trim()] as const);
    const body = Object.fromEntries(given.filter(([, value]) => value !== ''));
    send.mutate({ ...body, text: asSent(body['text'] ?? '') });
  };
  return (
    <Modal title={t('Send a test message into {host}', { host })} onClose={onClose} wide>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <p className="text-ink-2">
          {t(
            'It goes the way of every message, including to real receivers. It, and everything made from it, is marked as a test.',
          )}
        </p>
        <label className="flex flex-col gap-1 text-xs font-medium text-ink-2">
          {t('Body')}
          <textarea
            name="text"
            required
            rows={14}
            spellCheck={false}
            className="w-full rounded-md border border-line-strong bg-surface p-2 font-mono text-xs leading-5 font-normal text-ink"
          />
        </label>
        <div className="grid grid-cols-3 gap-3 max-sm:grid-cols-1">
          <Field
            label={t('Type')}
            name="type"
            maxLength={200}
            placeholder={t('determined from the body')}
          />
          <Field label={t('File name or subject')} name="name" maxLength={200} />
          <Field
            label={t('Reason')}
            name="reason"
            maxLength={2_000}
            placeholder={t('kept in the audit log')}
          />
        </div>
        {send.isError && <Problem error={send.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" look="primary" disabled={send.isPending}>
            {send.isPending ? t('Sending…') : t('Send into {host}', { host })}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

/** HL7 ends its segments with a carriage return, which a text field cannot contain. */
function asSent(text: string): string {
  const lines = text.replaceAll('\r\n', '\n');
  return /^(?:MSH|FHS|BHS)/.test(lines) ? `${lines.replaceAll('\n', '\r')}\r` : lines;
}
