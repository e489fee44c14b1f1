import type { ReactElement } from 'react';
import { addressIn } from '../api/client.ts';
import { ORIGINS } from '../configuration/origins.ts';
import { ListTable } from '../element/list-table.tsx';
import { Nothing } from '../element/notice.tsx';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { LinkIn, Missing, useGathered } from './gathered.tsx';
import { changesOf } from './queries.ts';

/** Of all productions together. */
const MOST = 200;

/** What was applied in any production, newest first. */
export function AllChanges({ names }: { readonly names: readonly string[] }): ReactElement {
  const found = useGathered(names, changesOf, ({ versions }) => versions);
  const changes = found.items.toSorted((a, b) => b.item.at - a.item.at).slice(0, MOST);
  return (
    <>
      <Missing missing={found.missing} />
      {changes.length === 0 && found.open === 0 && (
        <Nothing>{t('Nothing was applied in the productions that answer.')}</Nothing>
      )}
      {changes.length > 0 && (
        <ListTable
          label={t('Changes ## of productions')}
          look="min-w-[40rem]"
          columns={[t('Production'), t('Time'), t('By'), t('How'), t('Reason')]}
        >
          {changes.map(({ production, item: { version, at, by, origin, reason } }) => (
            <tr key={`${production} ${version} ${at}`} className="border-t border-line">
              <th scope="row" className="px-3 py-1.5 font-normal">
                <LinkIn production={production}>{production}</LinkIn>
              </th>
              <td className="px-3 py-1.5 text-xs">
                <a
                  href={addressIn(production, `history?version=${version}.${at}`)}
                  className="text-accent hover:underline"
                >
                  <When at={at} as="second" />
                </a>
              </td>
              <td className="px-3 py-1.5 text-xs" translate="no">
                {by}
              </td>
              <td className="px-3 py-1.5 text-xs">{ORIGINS[origin]}</td>
              <td className="px-3 py-1.5 text-xs break-words" translate="no">
                {reason ?? ''}
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </>
  );
}
