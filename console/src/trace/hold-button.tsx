import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Pin, PinOff } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask } from '../api/client.ts';
import { storage } from '../api/queries.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { ReleaseButton } from '../storage/release-button.tsx';

const DAY = 86_400_000;
const SPANS = [
  ['', t('until it is released')],
  ['30', t('30 days')],
  ['365', t('a year')],
] as const;

/** Keeps a session beyond the time after which messages are purged, or releases it again. */
export function HoldButton({ session }: { readonly session: number }): ReactElement | null {
  const may = useMay();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const isAllowed = may('purge.manage');
  const { data } = useQuery({ ...storage, enabled: isAllowed, refetchInterval: false });
  const again = () => client.invalidateQueries({ queryKey: storage.queryKey });
  if (!isAllowed) return null;
  const held = data?.holds.find(({ sessionId }) => sessionId === session);
  return (
    <>
      {held === undefined ? (
        <Button
          // its place is kept until the holds are known: what is next to and below it must not move
          className={data === undefined ? 'invisible' : ''}
          onClick={() => setAsking(true)}
          aria-label={t('Hold')}
          title={t('Hold: keep this session when others are purged')}
        >
          <Pin size={14} aria-hidden="true" />
        </Button>
      ) : (
        <ReleaseButton
          session={session}
          className="!border-held !bg-held-soft"
          title={t('held by {by}: {reason}', held)}
        >
          <PinOff size={14} aria-hidden="true" /> {t('Release')}
        </ReleaseButton>
      )}
      {asking && (
        <HoldDialog
          session={session}
          onClose={() => {
            setAsking(false);
            void again();
          }}
        />
      )}
    </>
  );
}

function HoldDialog({
  session,
  onClose,
}: {
  readonly session: number;
  readonly onClose: () => void;
}): ReactElement {
  const hold = useMutation({
    mutationFn: (body: { readonly reason: string; readonly until?: number }) =>
      ask('PUT /storage/holds/{id}', { path: { id: session }, body }),
    onSuccess: onClose,
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const days = Number(form.get('days'));
    hold.mutate({
      reason: (form.get('reason') as string).trim(),
      ...(days === 0 ? {} : { until: serverNow() + days * DAY }),
    });
  };
  return (
    <Modal title={t('Hold session {id}', { id: `${session}` })} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <p className="text-ink-2">
          {t('A held session stays, with its bodies, when others of its day are purged.')}
        </p>
        <Field
          label={t('Reason')}
          name="reason"
          required
          maxLength={2_000}
          autoComplete="off"
          hint={t('shown on the storage page and kept in the audit log')}
        />
        <Choice label={t('For ## how long')} name="days" defaultValue="">
          {SPANS.map(([days, name]) => (
            <option key={days} value={days}>
              {name}
            </option>
          ))}
        </Choice>
        {hold.isError && <Problem error={hold.error} />}
        <Button type="submit" look="primary" disabled={hold.isPending}>
          {t('Hold')}
        </Button>
      </form>
    </Modal>
  );
}
