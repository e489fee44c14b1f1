import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import type { Message } from '../../../src/api/contract/message.ts';
import { ask, newKey } from '../api/client.ts';
import { bodyText, hosts } from '../api/queries.ts';
import { untilTraced } from '../api/until-traced.ts';
import { Button } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem, Waiting } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { isUncertain, useSeen } from './use-seen.tsx';

interface ResendDialogProps {
  readonly message: Message;
  readonly edit: boolean;
  readonly onClose: () => void;
}

/** Sends a message again as a new one that is linked to it; the original is not changed. */
export function ResendDialog({ message, edit, onClose }: ResendDialogProps): ReactElement {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { data } = useQuery(hosts);
  // a second click, or another one after a lost answer, does not make a second message
  const [once] = useState(newKey);
  const [to, setTo] = useState('');
  const [reason, setReason] = useState('');
  const [edited, setEdited] = useState<string | undefined>(undefined);
  const { seen, notice, isBlocked, look } = useSeen(message);
  const resend = useMutation({
    mutationFn: (unchecked: boolean) =>
      ask('POST /messages/{id}/resend', {
        path: { id: message.id },
        body: {
          ...(to === '' ? {} : { to }),
          ...(edited === undefined ? {} : { text: edited }),
          ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
          ...(unchecked ? {} : { seen }),
        },
        once,
      }),
    onSuccess: async ({ sessionId, messageId }) => {
      await untilTraced(messageId, { resendOf: message.id });
      await client.invalidateQueries();
      onClose();
      await navigate({
        to: '/sessions/$id',
        params: { id: sessionId },
        search: { step: `${messageId}` },
      });
    },
    onError: look,
  });
  const targets = (data?.hosts ?? []).filter(
    ({ kind, name }) => kind !== 'service' && name !== message.target,
  );
  return (
    <Modal
      title={
        edit
          ? t('Edit and resend message {id}', { id: `${message.id}` })
          : t('Resend message {id}', { id: `${message.id}` })
      }
      onClose={onClose}
      wide={edit}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button
            look="primary"
            disabled={resend.isPending || isBlocked || (edit && edited === undefined)}
            onClick={() => resend.mutate(isUncertain(resend.error))}
          >
            {resend.isPending
              ? t('Sending…')
              : t('Resend to {target}', { target: to === '' ? message.target : to })}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-ink-2">
          {t(
            'A new message with its own session is created and linked to this one in both directions.',
          )}{' '}
          {message.status === 'suspended' && t('This one is then settled as discarded, by you.')}
        </p>
        {(message.status === 'queued' || message.status === 'retrying') && (
          <p role="status" className="text-warn">
            {t(
              'This one still waits for {target}, and is sent from its queue as well. Abort it if it is to be sent once.',
              { target: message.target },
            )}
          </p>
        )}
        {edit && <BodyEditor id={message.id} onChange={setEdited} />}
        <Field
          label={t('Reason')}
          placeholder={t('kept in the audit log')}
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
        <Choice label={t('To ## a host')} value={to} onChange={({ target }) => setTo(target.value)}>
          <option value="">{t('{target} (as before)', { target: message.target })}</option>
          {targets.map(({ name, title }) => (
            <option key={name} value={name}>
              {title === undefined ? name : `${name} · ${title}`}
            </option>
          ))}
        </Choice>
        {notice}
        {resend.isError && <Problem error={resend.error} />}
      </div>
    </Modal>
  );
}

/**
 * HL7 ends its segments with a carriage return, which a text field cannot contain: it is shown as a
 * line end and restored.
 */
function BodyEditor({
  id,
  onChange,
}: {
  readonly id: number;
  readonly onChange: (text: string | undefined) => void;
}): ReactElement {
  const { data, error } = useQuery(bodyText(id, 'message'));
  if (error !== null) return <Problem error={error} />;
  if (data === undefined) return <Waiting />;
  if (data.masked || data.next !== undefined) {
    return (
      <p className="text-bad">
        {data.masked
          ? t('You see this body masked: what is masked cannot be edited.')
          : t('This body is too large to be edited here.')}
      </p>
    );
  }
  if (data.kind === 'dicom') {
    return (
      <p className="text-bad">
        {t(
          'A DICOM file cannot be edited as text. Download it, change it, and send it with waybill resend --body.',
        )}
      </p>
    );
  }
  const end = data.text.includes('\r\n') ? '\r\n' : data.text.includes('\r') ? '\r' : '\n';
  const shown = data.text.replaceAll(/\r\n|\r/g, '\n');
  return (
    <label className="flex flex-col gap-1 text-xs font-medium text-ink-2">
      {t('Body')}
      <textarea
        defaultValue={shown}
        spellCheck={false}
        rows={16}
        onChange={({ target }) =>
          onChange(target.value === shown ? undefined : target.value.replaceAll('\n', end))
        }
        className="w-full rounded-md border border-line-strong bg-surface p-2 font-mono text-xs leading-5 font-normal text-ink"
      />
    </label>
  );
}
