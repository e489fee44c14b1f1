import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Siren } from 'lucide-react';
import { type FormEvent, type ReactElement, useEffect, useState } from 'react';
import { ask } from '../api/client.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem } from '../element/notice.tsx';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { me, useMay } from './me.ts';

const MINUTES = [15, 30, 60, 120];
const FORM = 'emergency';

/** Offers to see what is masked, to those who may in an emergency. */
export function EmergencyButton(): ReactElement | null {
  const may = useMay();
  const [asking, setAsking] = useState(false);
  if (!may('message.emergency') || may('message.content.unmasked')) return null;
  return (
    <>
      <Button look="danger" onClick={() => setAsking(true)}>
        <Siren size={13} aria-hidden="true" /> {t('Emergency…')}
      </Button>
      {asking && <EmergencyDialog onClose={() => setAsking(false)} />}
    </>
  );
}

function EmergencyDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const client = useQueryClient();
  const begin = useMutation({
    mutationFn: (order: { readonly reason: string; readonly minutes: number }) =>
      ask('POST /me/emergency', { body: order }),
    async onSuccess() {
      await client.invalidateQueries();
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    begin.mutate({
      reason: (form.get('reason') as string).trim(),
      minutes: Number(form.get('minutes')),
    });
  };
  return (
    <Modal
      title={t('See patient data in an emergency')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" form={FORM} look="danger" disabled={begin.isPending}>
            {t('Show it')}
          </Button>
        </>
      }
    >
      <form id={FORM} onSubmit={submit} className="flex flex-col gap-3">
        <p>
          {t(
            'For when a patient cannot wait. Everything you open until then is recorded with this reason, and those who watch over privacy are told at once.',
          )}
        </p>
        <Field
          label={t('Why it cannot wait')}
          name="reason"
          required
          minLength={10}
          maxLength={2_000}
          pattern=".*\S.*"
          autoComplete="off"
        />
        <Choice label={t('For')} name="minutes" defaultValue="30">
          {MINUTES.map((one) => (
            <option key={one} value={one}>
              {t('{count} minutes', { count: one })}
            </option>
          ))}
        </Choice>
        {begin.isError && <Problem error={begin.error} />}
      </form>
    </Modal>
  );
}

/** Milliseconds after which the server says too that it has ended. */
const MOMENT = 500;

/** Stands above every page while it lasts. */
export function EmergencyBanner(): ReactElement | null {
  const client = useQueryClient();
  const { data } = useQuery({
    ...me,
    // it ends by itself
    refetchInterval: ({ state }) => (state.data?.emergency === undefined ? false : 15_000),
  });
  const end = useMutation({
    mutationFn: () => ask('DELETE /me/emergency'),
    onSettled: () => client.invalidateQueries(),
  });
  const until = data?.emergency?.until;
  useEffect(() => {
    if (until === undefined) return undefined;
    const look = (): unknown => client.invalidateQueries({ queryKey: ['me'] });
    const timer = setTimeout(look, Math.max(0, until - serverNow()) + MOMENT);
    return () => {
      clearTimeout(timer);
      // what was shown meanwhile does not stay
      client.removeQueries({ type: 'inactive' });
      void client.invalidateQueries();
    };
  }, [client, until]);
  if (data?.emergency === undefined || until === undefined) return null;
  const { reason } = data.emergency;
  return (
    <div
      role="status"
      className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-bad/40 bg-bad-soft px-4 py-1.5 text-ink"
    >
      <Siren size={15} className="shrink-0 text-bad" aria-hidden="true" />
      <span className="min-w-0 flex-1 break-words">
        {rich(
          'Emergency until {time}: patient data is not masked, and every view is recorded. {reason}',
          {
            time: <When at={until} as="recent" />,
            reason: <span className="text-ink-2">{reason}</span>,
          },
        )}
      </span>
      <Button disabled={end.isPending} onClick={() => end.mutate()}>
        {t('Mask again')}
      </Button>
    </div>
  );
}
