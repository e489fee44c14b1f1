import { useMutation, useQueries, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { Job } from '../../../src/api/contract/job.ts';
import { addressIn, ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Problem } from '../element/notice.tsx';
import { Progress } from '../job/jobs-page.tsx';
import { actOf, stateOf, verdictOf } from '../job/names.ts';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { LinkIn, Missing } from './gathered.tsx';
import { jobIn } from './queries.ts';

interface Named {
  readonly production: string;
  readonly id: number;
}

/** What an address names: `hub.12,lab.5`. */
export const jobsNamed = (text: string): readonly Named[] =>
  [...text.matchAll(/([\w-]+)\.(\d{1,12})(?:,|$)/g)].map(([, production = '', id]) => ({
    production,
    id: Number(id),
  }));

/** What was ordered in several productions at once: each job, and what became of all messages together. */
export function JobsInAll({ jobs: named }: { readonly jobs: readonly Named[] }): ReactElement {
  const client = useQueryClient();
  const found = useQueries({ queries: named.map(({ production, id }) => jobIn(production, id)) });
  const rows = named.flatMap((one, n) => {
    const job = found[n]?.data;
    return job === undefined ? [] : [{ ...one, job }];
  });
  const missing = named.flatMap(({ production }, n) => {
    const why = found[n]?.error ?? null;
    return why === null ? [] : [{ production, why }];
  });
  const open = rows.filter(({ job }) => job.ended === undefined);
  const again = () => client.invalidateQueries({ queryKey: ['productions'] });
  const all = (verb: 'pause' | 'resume' | 'cancel') =>
    Promise.all(
      open.map(({ production, id }) =>
        ask(`POST /jobs/{id}/${verb}`, { production, path: { id } }),
      ),
    );
  const steer = useMutation({ mutationFn: all, onSettled: again });
  const paused = open.length > 0 && open.every(({ job }) => job.state === 'paused');
  return (
    <>
      <div className="flex flex-wrap items-start gap-3">
        {rows.length > 0 && <Together jobs={rows.map(({ job }) => job)} />}
        {open.length > 0 && (
          <span className="ml-auto flex gap-2">
            <Button
              disabled={steer.isPending}
              onClick={() => steer.mutate(paused ? 'resume' : 'pause')}
            >
              {paused ? t('Continue all') : t('Pause all')}
            </Button>
            <ConfirmedButton
              look="danger"
              asks={{
                title: t('Stop all'),
                children: t(
                  'What these jobs have not done yet is not done, in {count} {count|production|productions}. They cannot go on after this; to go on later, pause them.',
                  { count: open.length },
                ),
                act: t('Stop them for good'),
                order: () => all('cancel').finally(() => void again()),
              }}
            >
              {t('Stop all')}
            </ConfirmedButton>
          </span>
        )}
      </div>
      {steer.isError && <Problem error={steer.error} />}
      <Missing missing={missing} />
      <ListTable
        label={t('Jobs')}
        look="min-w-[40rem]"
        columns={[t('Production'), t('Job'), t('What'), t('State'), t('Progress')]}
      >
        {rows.map((row) => (
          <Row key={`${row.production} ${row.id}`} {...row} />
        ))}
      </ListTable>
    </>
  );
}

/** All of them as if they were one. */
function Together({ jobs }: { readonly jobs: readonly Job[] }): ReactElement {
  const sum = (of: (job: Job) => number): number => jobs.reduce((all, job) => all + of(job), 0);
  const became = jobs.flatMap((job) => (job.became === undefined ? [] : [job.became]));
  const [first] = jobs;
  const all = {
    total: sum(({ total }) => total),
    done: sum(({ done }) => done),
    failed: sum(({ failed }) => failed),
    became:
      became.length === 0
        ? undefined
        : became.reduce((left, right) => ({
            'under-way': left['under-way'] + right['under-way'],
            delivered: left.delivered + right.delivered,
            refused: left.refused + right.refused,
            discarded: left.discarded + right.discarded,
            gone: left.gone + right.gone,
            'not-followed': left['not-followed'] + right['not-followed'],
          })),
  };
  return (
    <div className="w-full max-w-xl" role="status">
      <p className="mb-1">
        {t('In {count} {count|production|productions}', { count: jobs.length })}
        {first?.reason === undefined ? '' : `: ${first.reason}`}
      </p>
      <Progress job={all} />
    </div>
  );
}

function Row({ production, id, job }: Named & { readonly job: Job }): ReactElement {
  return (
    <tr className="border-t border-line hover:bg-hover">
      <th scope="row" className="px-3 py-1.5 font-normal">
        <LinkIn production={production}>{production}</LinkIn>
      </th>
      <td className="px-3 py-1.5 font-mono">
        <a
          href={addressIn(production, `jobs/${id}`)}
          className="text-accent hover:underline"
          aria-label={t('Job {id} of {production}', { id: `${id}`, production })}
        >
          {id}
        </a>
      </td>
      <td className="px-3 py-1.5">{actOf(job)}</td>
      <td className={`px-3 py-1.5 ${verdictOf(job) === 'bad' ? 'font-medium text-bad' : ''}`}>
        {stateOf(job)}
        {job.why !== undefined && <span className="block text-xs">{serverText(job.why)}</span>}
      </td>
      <td className="w-64 px-3 py-1.5">
        <Progress job={job} />
      </td>
    </tr>
  );
}
