import { useQuery } from '@tanstack/react-query';
import { Link, useLocation } from '@tanstack/react-router';
import { ChevronsUpDown } from 'lucide-react';
import type { ReactElement } from 'react';
import { addressIn, PRODUCTION } from '../api/client.ts';
import { productions } from '../api/productions.ts';
import { t } from '../language/translate.ts';

/** The name of the production whose pages these are; where the console shows several, also the way to the others. */
export function ProductionMenu({
  title,
}: {
  readonly title: string | undefined;
}): ReactElement | null {
  const { data } = useQuery(productions);
  const page = useLocation();
  const names = data?.productions ?? [];
  const shown = title ?? PRODUCTION;
  const here = PRODUCTION ?? data?.own;
  if (names.length < 2) return shown === undefined ? null : <Title text={shown} />;
  return (
    <>
      <button
        type="button"
        popoverTarget="productions"
        className="flex h-8 shrink-0 items-center gap-1 rounded-md px-1.5 text-ink-2 hover:bg-hover hover:text-ink"
        aria-label={t('Production {name}: choose another', { name: shown ?? here ?? '' })}
      >
        <span className="max-w-20 truncate lg:max-w-56" translate="no">
          {shown ?? here}
        </span>
        <ChevronsUpDown size={14} aria-hidden="true" className="shrink-0" />
      </button>
      <div
        id="productions"
        popover="auto"
        role="dialog"
        aria-label={t('Productions')}
        className="fixed inset-auto top-12 left-2 m-0 max-h-[80vh] w-64 overflow-y-auto rounded-lg border border-line bg-raised p-2 text-ink shadow-float md:left-28"
      >
        <ul>
          {names.map((name) => (
            <li key={name}>
              <a
                href={addressIn(name, samePage(page))}
                translate="no"
                aria-current={name === here ? 'true' : undefined}
                className={`flex min-h-8 items-center rounded-md px-2 hover:bg-hover max-md:min-h-11 ${name === here ? 'bg-selected font-medium' : ''}`}
              >
                {name}
              </a>
            </li>
          ))}
        </ul>
        <Link
          to="/productions"
          className="mt-1 flex min-h-8 items-center border-t border-line px-2 text-accent hover:underline max-md:min-h-11"
          onClick={() => document.querySelector<HTMLElement>('#productions')?.hidePopover()}
        >
          {t('All productions')}
        </Link>
      </div>
    </>
  );
}

/** Pages that every production has. */
const EVERYWHERE =
  /^\/(?:messages|suspended|queues|waiting|timeline|events|alerts|jobs|shift|certificates|storage|configuration|history|audit)$/;
/** Filters that name something which exists in only one production. */
const ELSEWHERE_UNKNOWN = ['host', 'source', 'target', 'at', 'cause', 'resend'];

/** The same page of another production with its time and filter; its dashboard where there is no such page. */
function samePage({
  pathname,
  searchStr,
}: {
  readonly pathname: string;
  readonly searchStr: string;
}): string {
  if (!EVERYWHERE.test(pathname)) return '';
  const search = new URLSearchParams(searchStr);
  for (const name of ELSEWHERE_UNKNOWN) search.delete(name);
  return `${pathname.slice(1)}${search.size === 0 ? '' : `?${search}`}`;
}

function Title({ text }: { readonly text: string }): ReactElement {
  return (
    <span className="min-w-0 truncate text-ink-2 max-lg:hidden" title={text}>
      <span className="mx-1 text-line-strong" aria-hidden="true">
        /
      </span>
      {text}
    </span>
  );
}
