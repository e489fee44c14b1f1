import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ArrowLeft, CalendarClock, Send, Trash2 } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import type { OnCall } from '../../../src/api/contract/alert.ts';
import { ask } from '../api/client.ts';
import { onCall } from '../api/queries.ts';
import { Button, ICON_BUTTON } from '../element/button.tsx';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { Choice } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Modal } from '../element/modal.tsx';
import { LEVEL_NAMES } from '../element/names.ts';
import { Nothing, Pending, Problem } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { duration } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { DELIVERY_NAMES, DELIVERY_TONES, KIND_NAMES } from './names.ts';
import { reasonIn, useSpan, Why } from './span.tsx';

const CELL = 'px-3 py-1.5';

/** Who is on call, whom alerts go to, and whether they get there. */
export function OnCallPage(): ReactElement {
  const { data, error } = useQuery(onCall);
  const may = useMay();
  const [changing, setChanging] = useState(false);
  const now = data?.spans[0];
  return (
    <Page
      title={t('On call')}
      lead={
        <Link to="/alerts" aria-label={t('Back to the alerts')} className={ICON_BUTTON}>
          <ArrowLeft size={16} aria-hidden="true" />
        </Link>
      }
      detail={
        now === undefined
          ? undefined
          : now.who === undefined
            ? t('nobody is on call now')
            : rich('{who} until {time}', {
                who: <strong className="text-ink">{now.who}</strong>,
                time: <When at={now.to} as="recent" />,
              })
      }
      actions={
        may('alert.manage') &&
        data !== undefined &&
        data.people.length > 0 && (
          <Button look="primary" onClick={() => setChanging(true)}>
            <CalendarClock size={14} aria-hidden="true" /> {t('Somebody else is on call…')}
          </Button>
        )
      }
    >
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <div className="flex flex-col gap-4">
          <Channels data={data} />
          <div className="grid items-start gap-4 lg:grid-cols-2">
            <Panel title={t('Whom an alert goes to')}>
              <Steps data={data} />
            </Panel>
            <Panel title={t('The next two weeks')} flush>
              <Spans data={data} />
            </Panel>
          </div>
        </div>
      )}
      {changing && data !== undefined && (
        <OverrideDialog people={data.people} onClose={() => setChanging(false)} />
      )}
    </Page>
  );
}

function Channels({ data: { channels } }: { readonly data: OnCall }): ReactElement {
  const may = useMay();
  const client = useQueryClient();
  const test = useMutation({
    mutationFn: (names?: readonly string[]) =>
      ask('POST /alerts/test', { body: names === undefined ? {} : { channels: names } }),
    onSettled: () => client.invalidateQueries({ queryKey: ['on-call'] }),
  });
  const results = new Map(test.data?.tests.map((one) => [one.channel, one]));
  return (
    <section className="flex flex-col gap-2" aria-labelledby="channels">
      <div className="flex min-h-7 flex-wrap items-center gap-2">
        <h2 id="channels">{t('Channels')}</h2>
        {may('alert.manage') && channels.length > 0 && (
          <Button
            className="ml-auto"
            disabled={test.isPending}
            onClick={() => test.mutate(undefined)}
          >
            <Send size={13} aria-hidden="true" />{' '}
            {test.isPending ? t('Sending…') : t('Send a test by each')}
          </Button>
        )}
      </div>
      {test.isError && <Problem error={test.error} />}
      {channels.length === 0 && (
        <Nothing>
          {t(
            'Alerts are only seen here. To have them sent, name operations under alerts: in the production, or channels under alerts: in console.yaml.',
          )}
        </Nothing>
      )}
      {channels.length > 0 && (
        <ListTable
          label={t('Channels')}
          look="min-w-[40rem] text-xs"
          columns={[t('Channel'), t('Kind'), t('Last sent'), t('What became of it')]}
        >
          {channels.map(({ name, kind, last }) => {
            const result = results.get(name);
            return (
              <tr key={name} className="border-t border-line align-top">
                <th scope="row" className={`${CELL} font-medium`} translate="no">
                  {name}
                </th>
                <td className={`${CELL} text-ink-2`}>{KIND_NAMES[kind]}</td>
                <td className={`${CELL} text-ink-2`}>
                  {last === undefined ? t('never') : <When at={last.at} as="recent" />}
                </td>
                <td className={CELL}>
                  {last !== undefined && (
                    <span className={DELIVERY_TONES[last.state]}>{DELIVERY_NAMES[last.state]}</span>
                  )}
                  {last?.text !== undefined && (
                    <span className="text-ink-2">: {serverText(last.text)}</span>
                  )}
                  {result?.result === 'passed' && (
                    <span className="ml-2 text-ink-2">
                      {t('the test got there in {time}', { time: duration(result.took) })}
                    </span>
                  )}
                </td>
              </tr>
            );
          })}
        </ListTable>
      )}
    </section>
  );
}

function Steps({ data: { steps } }: { readonly data: OnCall }): ReactElement {
  if (steps.length === 0) return <p className="text-ink-2">{t('Nobody: it is seen here only.')}</p>;
  return (
    <ol className="flex flex-col gap-1.5">
      {steps.map(({ after, level, to }) => (
        <li key={`${after} ${to.join(' ')}`} className="flex flex-wrap gap-x-2">
          <span className="w-28 shrink-0 text-ink-2">
            {after === 0 ? t('at once') : t('after {duration}', { duration: duration(after) })}
          </span>
          <span className="min-w-0 break-words" translate="no">
            {to.join(', ')}
          </span>
          {level === 'error' && (
            <span className="text-xs text-ink-2">
              {t('only {level}', { level: LEVEL_NAMES.error })}
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

function Spans({ data: { spans, overrides, zone } }: { readonly data: OnCall }): ReactElement {
  const may = useMay();
  const reasons = new Map(overrides.map((one) => [one.id, one]));
  return (
    <>
      <ul aria-label={t('Who is on call when')}>
        {spans.map(({ from, to, who, override }) => {
          const instead = override === undefined ? undefined : reasons.get(override);
          return (
            <li
              key={from}
              className="flex flex-wrap items-center gap-x-3 border-t border-line px-3 py-1.5 first:border-t-0"
            >
              <span className="w-64 shrink-0 text-xs text-ink-2">
                <When at={from} as="second" /> – <When at={to} as="recent" />
              </span>
              <span className={who === undefined ? 'text-ink-2' : 'font-medium'}>
                {who ?? t('nobody')}
              </span>
              {instead !== undefined && (
                <span className="flex min-w-0 flex-1 items-center gap-2 text-xs text-ink-2 max-sm:basis-full">
                  <span className="min-w-0 break-words">
                    {t('{reason} (by {by})', { reason: instead.reason, by: instead.by })}
                  </span>
                  {may('alert.manage') && (
                    <ConfirmedButton
                      look="quiet"
                      className="ml-auto"
                      aria-label={t('As the rota says again: {reason}', { reason: instead.reason })}
                      asks={{
                        title: t('As the rota says again'),
                        children: t(
                          'Alerts no longer go to {who}, but to whoever the rota names.',
                          { who: instead.who },
                        ),
                        act: t('As the rota says'),
                        order: () =>
                          ask('DELETE /alerts/on-call/{id}', { path: { id: instead.id } }),
                      }}
                    >
                      <Trash2 size={13} aria-hidden="true" />
                    </ConfirmedButton>
                  )}
                </span>
              )}
            </li>
          );
        })}
      </ul>
      {zone !== undefined && (
        <p className="border-t border-line px-3 py-1.5 text-2xs text-ink-2">
          {t('The rota is by the clock of {zone}; times here are those of this browser.', { zone })}
        </p>
      )}
    </>
  );
}

const FORM = 'on-call';

/** Puts somebody on call for a time. */
function OverrideDialog({
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
