import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import type { Message } from '../../../src/operator/api/contract/message.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';

/** Settles a suspended message without sending it. It stays in the trace. */
export function DiscardDialog({
  message,
  onClose,
}: {
  readonly message: Message;
  readonly onClose: () => void;
}): ReactElement {
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const discard = useMutation({
    mutationFn: () => ask(`messages/${message.id}/discard`, { body: { reason: reason.trim() } }),
    onSuccess: async () => {
      await client.invalidateQueries();
      onClose();
    },
  });
  return (
    <Modal
      title={`Discard message ${message.id}`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="danger"
            disabled={discard.isPending || reason.trim() === ''}
            onClick={() => discard.mutate()}
          >
            Discard it
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-ink-2">
          {message.target} will not get it. It stays in the trace and can be resent from there.
        </p>
        <Field
          label="Reason"
          required
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
        {discard.isError && <Problem error={discard.error} />}
      </div>
    </Modal>
  );
}
