import type { ReactElement } from 'react';
import { addressIn } from '../api/client.ts';
import { ListTable } from '../element/list-table.tsx';
import { Nothing } from '../element/notice.tsx';
import { When } from '../element/when.tsx';
import { Progress } from '../job/jobs-page.tsx';
import { actOf, stateOf } from '../job/names.ts';
import { t } from '../language/translate.ts';
import { LinkIn, Missing, useGathered } from './gathered.tsx';
import { jobsOf } from './queries.ts';

/** Acts on many messages in any production, newest first. */
export function AllJobs({ names }: { readonly names: readonly string[] }): ReactElement {
  const found = useGathered(names, jobsOf, ({ jobs }) => jobs);
  const jobs = found.items.toSorted((a, b) => b.item.created - a.item.created);
  return (
    <>
      <Missing missing={found.missing} />
      {jobs.length === 0 && found.open === 0 && (
        <Nothing>{t('No job has run in the productions that answer.')}</Nothing>
      )}
      {jobs.length > 0 && (
        <ListTable
          label={t('Jobs')}
          look="min-w-[44rem]"
          columns={[
            t('Production'),
            t('Job'),
            t('What'),
            t('State'),
            t('Progress'),
            t('By'),
            t('Begun'),
          ]}
        >
          {jobs.map(({ production, item }) => (
            <tr key={`${production} ${item.id}`} className="border-t border-line hover:bg-hover">
              <th scope="row" className="px-3 py-1.5 font-normal">
                <LinkIn production={production}>{production}</LinkIn>
              </th>
              <td className="px-3 py-1.5 font-mono">
                <a
                  href={addressIn(production, `jobs/${item.id}`)}
                  className="text-accent hover:underline"
                >
                  {item.id}
                </a>
              </td>
              <td className="px-3 py-1.5">{actOf(item)}</td>
              <td className="px-3 py-1.5">{stateOf(item)}</td>
              <td className="w-52 px-3 py-1.5">
                <Progress job={item} />
              </td>
              <td className="px-3 py-1.5 text-xs">{item.by}</td>
              <td className="px-3 py-1.5 text-xs">
                <When at={item.created} as="second" />
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </>
  );
}
