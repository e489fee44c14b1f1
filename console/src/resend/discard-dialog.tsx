import { type ReactElement, useState } from 'react';
import type { Message } from '../../../src/api/contract/message.ts';
import { ask } from '../api/client.ts';
import { Confirm } from '../element/confirmed-button.tsx';
import { t } from '../language/translate.ts';

/** Settles a message without sending it: a suspended one, or one that waits in a queue. It stays in the trace. */
export function DiscardDialog({
  message: { id, status, target },
  onClose,
}: {
  readonly message: Pick<Message, 'id' | 'status' | 'target'>;
  readonly onClose: () => void;
}): ReactElement {
  const [keep, setKeep] = useState(false);
  const waits = status !== 'suspended';
  const path = { id };
  return (
    <Confirm
      title={
        waits
          ? t('Abort message {id}', { id: `${id}` })
          : t('Discard message {id}', { id: `${id}` })
      }
      cancel={t('Cancel ## beside an abort')}
      act={waits ? t('Abort it') : t('Discard it')}
      withReason
      order={(reason) =>
        waits
          ? ask('POST /messages/{id}/abort', { path, body: { reason, keep } })
          : ask('POST /messages/{id}/discard', { path, body: { reason } })
      }
      onClose={onClose}
    >
      {waits
        ? t(
            '{target} will not get it, and what waits behind it continues. It stays in the trace and can be resent from there.',
            { target },
          )
        : t('{target} will not get it. It stays in the trace and can be resent from there.', {
            target,
          })}
      {waits && (
        <label className="mt-3 flex items-center gap-2">
          <input
            type="checkbox"
            checked={keep}
            onChange={({ target: box }) => setKeep(box.checked)}
          />
          {t('Set it aside as suspended instead of discarding it')}
        </label>
      )}
    </Confirm>
  );
}
