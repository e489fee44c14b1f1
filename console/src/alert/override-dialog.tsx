import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask } from '../api/client.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { localTime, timeOf } from '../element/local-time.ts';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';

const HOURS = 3_600_000;
const FORM = 'on-call';

/** Puts somebody on call for a time. */
export function OverrideDialog({
  people,
  onClose,
}: {
  readonly people: readonly string[];
  readonly onClose: () => void;
}): ReactElement {
  const client = useQueryClient();
  const [from, setFrom] = useState(() => localTime(serverNow()).slice(0, 16));
  const [to, setTo] = useState(() => localTime(serverNow() + 12 * HOURS).slice(0, 16));
  const add = useMutation({
    mutationFn: (order: { readonly who: string; readonly reason: string }) => {
      // the fields are required; what is no time is refused
      const span = { from: timeOf(from) ?? Number.NaN, to: timeOf(to) ?? Number.NaN };
      return ask('POST /alerts/on-call', { body: { ...order, ...span } });
    },
    async onSuccess() {
      await client.invalidateQueries({ queryKey: ['on-call'] });
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    add.mutate({
      who: values.get('who') as string,
      reason: (values.get('reason') as string).trim(),
    });
  };
  return (
    <Modal
      title={t('Somebody else is on call')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" form={FORM} look="primary" disabled={add.isPending}>
            {t('Put on call')}
          </Button>
        </>
      }
    >
      <form id={FORM} onSubmit={submit} className="flex flex-col gap-3">
        <Choice label={t('Who ## is on call')} name="who">
          {people.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Choice>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field
            label={t('From ## a time')}
            type="datetime-local"
            required
            value={from}
            onChange={({ target }) => setFrom(target.value)}
          />
          <Field
            label={t('Until ## a time')}
            type="datetime-local"
            required
            value={to}
            onChange={({ target }) => setTo(target.value)}
          />
        </div>
        <Field
          label={t('Why')}
          name="reason"
          required
          maxLength={2_000}
          pattern=".*\S.*"
          autoComplete="off"
        />
        {add.isError && <Problem error={add.error} />}
      </form>
    </Modal>
  );
}
