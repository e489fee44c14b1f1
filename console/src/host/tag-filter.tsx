import type { ReactElement } from 'react';
import type { Host } from '../../../src/api/contract/host.ts';
import { INPUT } from '../element/field.tsx';
import { t } from '../language/translate.ts';

interface TagFilterProps {
  readonly hosts: readonly Host[];
  readonly tag: string | undefined;
  readonly onTag: (tag: string | undefined) => void;
}

/** Shows only the hosts with one tag. Nothing if the production has no tags. */
export function TagFilter({ hosts, tag, onTag }: TagFilterProps): ReactElement | null {
  const tags = [...new Set(hosts.flatMap((host) => host.tags))].toSorted();
  if (tag !== undefined && !tags.includes(tag)) tags.push(tag);
  if (tags.length === 0) return null;
  return (
    <select
      aria-label={t('Tag')}
      value={tag ?? ''}
      onChange={({ target }) => onTag(target.value || undefined)}
      className={`${INPUT} !w-36`}
    >
      <option value="">{t('every tag')}</option>
      {tags.map((one) => (
        <option key={one}>{one}</option>
      ))}
    </select>
  );
}

/** The hosts with a tag; all if none is chosen. */
export function tagged(hosts: readonly Host[], tag: string | undefined): readonly Host[] {
  return tag === undefined ? hosts : hosts.filter(({ tags }) => tags.includes(tag));
}
