import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import type { Message } from '../../../src/api/contract/message.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';

/** Settles a message without sending it: a suspended one, or one that waits in a queue. It stays in the trace. */
export function DiscardDialog({
  message: { id, status, target },
  onClose,
}: {
  readonly message: Pick<Message, 'id' | 'status' | 'target'>;
  readonly onClose: () => void;
}): ReactElement {
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const [keep, setKeep] = useState(false);
  const waits = status !== 'suspended';
  const discard = useMutation({
    mutationFn: () =>
      waits
        ? ask('POST /messages/{id}/abort', { path: { id }, body: { reason: reason.trim(), keep } })
        : ask('POST /messages/{id}/discard', { path: { id }, body: { reason: reason.trim() } }),
    onSuccess: async () => {
      await client.invalidateQueries();
      onClose();
    },
  });
  return (
    <Modal
      title={
        waits
          ? t('Abort message {id}', { id: `${id}` })
          : t('Discard message {id}', { id: `${id}` })
      }
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel ## beside an abort')}</Button>
          <Button
            look="danger"
            disabled={discard.isPending || reason.trim() === ''}
            onClick={() => discard.mutate()}
          >
            {waits ? t('Abort it') : t('Discard it')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-ink-2">
          {waits
            ? t(
                '{target} will not get it, and what waits behind it continues. It stays in the trace and can be resent from there.',
                { target },
              )
            : t('{target} will not get it. It stays in the trace and can be resent from there.', {
                target,
              })}
        </p>
        {waits && (
          <label className="flex items-center gap-2">
            <input
              type="checkbox"
              checked={keep}
              onChange={({ target: box }) => setKeep(box.checked)}
            />
            {t('Set it aside as suspended instead of discarding it')}
          </label>
        )}
        <Field
          label={t('Reason')}
          required
          value={reason}
          onChange={({ target: field }) => setReason(field.value)}
        />
        {discard.isError && <Problem error={discard.error} />}
      </div>
    </Modal>
  );
}
