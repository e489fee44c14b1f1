import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ArrowLeft, Download } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask, askBytes, type Result } from '../api/client.ts';
import { Button, ICON_BUTTON } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { timeOf } from '../element/local-time.ts';
import { Nothing, Problem } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { saveFile } from '../element/save-file.ts';
import { zone } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { ACTS } from './act-names.ts';

interface Asked {
  readonly patient: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

type Report = Result<'POST /audit/access'>;

const CELL = 'px-3 py-1';
/** What the server gives at once. */
const PAGE = 200;

/** Who saw a patient. The id is sent once for each report and stands in no address. */
export function AccessPage(): ReactElement {
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const report = useMutation({
    mutationFn: (given: Asked) => ask('POST /audit/access', { body: given }),
  });
  const more = useMutation({
    mutationFn: ({ before, ...of }: Asked & { readonly before: number }) =>
      ask('POST /audit/access', { body: { ...of, before, limit: PAGE } }),
  });
  const save = useMutation({
    mutationFn: async (given: Asked) => {
      const answer = await askBytes('POST /audit/access/export', { body: given });
      saveFile(await answer.blob(), 'access.csv');
    },
  });
  const [older, setOlder] = useState<Report['rows']>([]);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const value = (name: string): string => (form.get(name) as string).trim();
    const given = {
      patient: value('patient'),
      from: timeOf(value('from') || undefined),
      to: timeOf(value('to') || undefined),
    };
    setAsked(given);
    setOlder([]);
    report.mutate(given);
  };
  const rows = [...(report.data?.rows ?? []), ...older];
  const last = rows.at(-1);
  return (
    <Page
      title={t('Who saw a patient')}
      lead={
        <Link to="/audit" aria-label={t('Back to the audit log')} className={ICON_BUTTON}>
          <ArrowLeft size={16} aria-hidden="true" />
        </Link>
      }
      actions={
        asked !== undefined &&
        rows.length > 0 && (
          <Button disabled={save.isPending} onClick={() => save.mutate(asked)}>
            <Download size={14} aria-hidden="true" /> {t('Export')}
          </Button>
        )
      }
    >
      <form onSubmit={submit} className="mb-3 flex flex-wrap items-end gap-3">
        <Field
          label={t('Patient')}
          name="patient"
          required
          maxLength={200}
          autoComplete="off"
          spellCheck={false}
          className="w-56 max-sm:w-full"
        />
        <Field label={t('Since')} name="from" type="datetime-local" step="1" />
        <Field label={t('Until')} name="to" type="datetime-local" step="1" />
        <Button type="submit" look="primary" disabled={report.isPending}>
          {t('Find')}
        </Button>
      </form>
      {[report, more, save].map(({ error }) => error !== null && <Problem error={error} />)}
      {asked === undefined && (
        <Nothing>
          {t(
            'The id as it stands in messages. Whoever opened a message of that patient, searched for the id or had it in a list is shown. This question is recorded as well.',
          )}
        </Nothing>
      )}
      {report.data !== undefined && rows.length === 0 && (
        <Nothing>{t('Nobody has seen or searched for this patient in that time.')}</Nothing>
      )}
      {report.data !== undefined && rows.length > 0 && (
        <div className="flex flex-col gap-4">
          <People people={report.data.people} />
          <Rows rows={rows} />
          {asked !== undefined && last !== undefined && rows.length % PAGE === 0 && (
            <Button
              className="self-start"
              disabled={more.isPending}
              onClick={() =>
                more.mutate(
                  { ...asked, before: last.seq },
                  { onSuccess: (next) => setOlder([...older, ...next.rows]) },
                )
              }
            >
              {t('Show older')}
            </Button>
          )}
        </div>
      )}
    </Page>
  );
}

function People({ people }: Pick<Report, 'people'>): ReactElement {
  return (
    <ListTable
      label={t('People')}
      look="min-w-[32rem] text-xs"
      columns={[t('Who'), t('How often'), t('First'), t('Last')]}
    >
      {people.map(({ actor, via, acts, first, last }) => (
        <tr key={`${actor} ${via}`} className="border-t border-line">
          <th scope="row" className={`${CELL} font-medium`}>
            {actor} <span className="font-normal text-ink-2">{via}</span>
          </th>
          <td className={CELL}>{acts}</td>
          <td className={CELL}>
            <When at={first} as="second" />
          </td>
          <td className={CELL}>
            <When at={last} as="second" />
          </td>
        </tr>
      ))}
    </ListTable>
  );
}

function Rows({ rows }: Pick<Report, 'rows'>): ReactElement {
  return (
    <ListTable
      label={t('Acts')}
      look="min-w-[48rem] text-xs"
      columns={[
        t('Time, {zone}', { zone: zone() }),
        t('Who'),
        t('From'),
        t('Did'),
        t('To what'),
        t('Why'),
      ]}
    >
      {rows.map(({ seq, at, actor, via, ip, action, object, outcome, reason }) => (
        <tr key={seq} className="border-t border-line align-top hover:bg-hover">
          <td className={`${CELL} whitespace-nowrap`}>
            <When at={at} as="second" />
          </td>
          <td className={CELL}>
            {actor} <span className="text-ink-2">{via}</span>
          </td>
          <td className={`${CELL} font-mono`}>{ip}</td>
          <td className={CELL}>
            {ACTS[action] ?? action}
            {outcome !== 'done' && <span className="ml-1 text-bad">{t('in vain')}</span>}
          </td>
          <td className={CELL}>{object}</td>
          <td className={`${CELL} text-ink-2`}>{reason}</td>
        </tr>
      ))}
    </ListTable>
  );
}
