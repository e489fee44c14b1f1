import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import type { Message } from '../../../src/api/contract/message.ts';
import { ask, newKey } from '../api/client.ts';
import { hosts } from '../api/queries.ts';
import { untilTraced } from '../api/until-traced.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem, Waiting } from '../element/notice.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { isUncertain, useSeen } from './use-seen.tsx';

interface ReprocessDialogProps {
  readonly message: Message;
  readonly onClose: () => void;
}

/** Processes the original again with today's rules, for the chosen targets. */
export function ReprocessDialog({ message, onClose }: ReprocessDialogProps): ReactElement {
  const { id, target } = message;
  const client = useQueryClient();
  const navigate = useNavigate();
  const { data: known } = useQuery(hosts);
  const [once] = useState(newKey);
  const [chosen, setChosen] = useState<readonly string[]>([target]);
  const [reason, setReason] = useState('');
  // what today's rules would make of it, before anything is sent
  const { data: plan, error } = useQuery({
    queryKey: ['reprocess', id],
    queryFn: ({ signal }) =>
      ask('POST /messages/{id}/reprocess', { path: { id }, body: { dryRun: true }, signal }),
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const isProcess = known?.hosts.some((one) => one.name === target && one.kind === 'process');
  const made = new Set(plan?.made.map((one) => one.target));
  const offered = isProcess === true ? [target, ...made] : [...made];
  const targets = [...new Set(offered)];
  const wanted = chosen.filter((one) => targets.includes(one));
  const { seen, notice, isBlocked, look } = useSeen(message);
  const order = useMutation({
    mutationFn: (unchecked: boolean) =>
      ask('POST /messages/{id}/reprocess', {
        path: { id },
        body: {
          targets: wanted,
          ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
          ...(unchecked ? {} : { seen }),
        },
        once,
      }),
    onSuccess: async ({ sessionId, messageId }) => {
      await untilTraced(messageId, {});
      await client.invalidateQueries();
      onClose();
      await navigate({ to: '/sessions/$id', params: { id: sessionId } });
    },
    onError: look,
  });
  return (
    <Modal
      title={t('Process message {id} again', { id: `${id}` })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button
            look="primary"
            disabled={order.isPending || isBlocked || plan === undefined || wanted.length === 0}
            onClick={() => order.mutate(isUncertain(order.error))}
          >
            {order.isPending
              ? t('Sending…')
              : t('Process again for {targets}', { targets: wanted.join(', ') })}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-ink-2">
          {t(
            "The original goes through today's rules and transforms; only what goes to the chosen targets is sent, linked to what it replaces.",
          )}{' '}
          {message.status === 'suspended' && t('This one is then settled as discarded, by you.')}
        </p>
        {plan === undefined && error === null && <Waiting />}
        {error !== null && <Problem error={error} />}
        {plan?.failed !== undefined && (
          <p className="text-bad">
            {t('It would fail at {host}: {text}', {
              host: plan.failed.host,
              text: serverText(plan.failed.text),
            })}{' '}
            <span className="font-mono">{plan.failed.code}</span>
          </p>
        )}
        {plan !== undefined && (
          <fieldset className="flex flex-col gap-1">
            <legend className="mb-1 text-xs font-medium text-ink-2">
              {targets.length === 0
                ? t("Today's rules send it to nobody.")
                : t("Where today's rules send it")}
            </legend>
            {targets.map((one) => (
              <label key={one} className="flex items-center gap-2">
                <input
                  type="checkbox"
                  checked={chosen.includes(one)}
                  onChange={({ target: { checked } }) =>
                    setChosen(checked ? [...chosen, one] : chosen.filter((other) => other !== one))
                  }
                />
                {one === target && isProcess === true
                  ? t('everything that {host} makes of it', { host: one })
                  : one}
              </label>
            ))}
          </fieldset>
        )}
        <Field
          label={t('Reason')}
          placeholder={t('kept in the audit log')}
          value={reason}
          onChange={({ target: { value } }) => setReason(value)}
        />
        {notice}
        {order.isError && <Problem error={order.error} />}
      </div>
    </Modal>
  );
}
