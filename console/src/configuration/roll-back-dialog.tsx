import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import { ApiProblem, ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Pending, Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { ComparisonView } from './comparison.tsx';

/** What would change compared with what is running, the reason, and then the act. */
export function RollBackDialog({
  version,
  onClose,
}: {
  readonly version: string;
  readonly onClose: () => void;
}): ReactElement {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [reason, setReason] = useState('');
  const { data, error } = useQuery({
    queryKey: ['comparison', 'running', version],
    queryFn: ({ signal }) =>
      ask('GET /production/history/comparison', {
        query: { before: 'running', after: version },
        signal,
      }),
    gcTime: 0,
  });
  const order = useMutation({
    mutationFn: (leaveWaiting: boolean) =>
      ask('POST /production/history/{version}/roll-back', {
        path: { version },
        body: { reason: reason.trim(), leaveWaiting },
      }),
    onSuccess: async () => {
      await client.invalidateQueries();
      onClose();
      await navigate({ to: '/history' });
    },
  });
  const waits = order.error instanceof ApiProblem && order.error.code === 'MESSAGES_WAITING';
  return (
    <Modal
      title={t('Roll back to {version}', { version })}
      onClose={onClose}
      wide
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button
            look="primary"
            disabled={order.isPending || reason.trim() === ''}
            onClick={() => order.mutate(waits)}
          >
            {order.isPending
              ? t('Rolling back…')
              : waits
                ? t('Roll back all the same')
                : t('Roll back')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-ink-2">
          {t(
            'The files of this version are written and applied. What lies on disk now is kept in the history.',
          )}
        </p>
        <Field
          label={t('Reason')}
          required
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
        {order.isError && <Problem error={order.error} />}
        <h3 className="text-xs font-medium text-ink-2">{t('What changes against what runs')}</h3>
        <Pending answer={data} error={error} />
        {data !== undefined && <ComparisonView comparison={data} />}
      </div>
    </Modal>
  );
}
