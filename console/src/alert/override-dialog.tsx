import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { FormEvent, ReactElement } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Choice } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { reasonIn, useSpan, Why } from './span.tsx';

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
  const span = useSpan(12);
  const add = useMutation({
    mutationFn: (order: { readonly who: string; readonly reason: string }) =>
      ask('POST /alerts/on-call', { body: { ...order, ...span.chosen() } }),
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
      reason: reasonIn(values),
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
        {span.fields}
        <Why />
        {add.isError && <Problem error={add.error} />}
      </form>
    </Modal>
  );
}
