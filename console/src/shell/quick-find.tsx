import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import {
  Boxes,
  CalendarRange,
  CornerDownLeft,
  FileText,
  GitFork,
  Search,
  User,
} from 'lucide-react';
import { type KeyboardEvent, type ReactElement, useDeferredValue, useState } from 'react';
import type { QuickHits } from '../../../src/api/contract/message.ts';
import { foundHosts, hosts as hostsQuery, quickHits } from '../api/queries.ts';
import { indexingText } from '../element/indexing-text.ts';
import { Modal } from '../element/modal.tsx';
import { KIND_NAMES, STATUS_NAMES } from '../element/names.ts';
import { Problem } from '../element/notice.tsx';
import { listSearch, pastedList } from '../element/pasted-list.ts';
import { shortType } from '../element/short-type.ts';
import { moment } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { useSeveral } from './away.tsx';
import { useMay } from './me.ts';
import { PLACES } from './places.ts';

interface Hit {
  readonly key: string;
  readonly icon: typeof Search;
  readonly label: string;
  readonly detail: string;
  /** Whether it failed or waits for a person. */
  readonly bad?: boolean;
  readonly go: () => void;
}

/** Paste anything: the possible matches are listed, Enter opens one. */
export function QuickFind({ onClose }: { readonly onClose: () => void }): ReactElement {
  const [text, setText] = useState('');
  const [selected, setSelected] = useState(0);
  const navigate = useNavigate();
  const { hits, searches, error, indexing } = useHits(text, onClose);
  const at = Math.min(selected, Math.max(0, hits.length - 1));
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move !== undefined) {
      event.preventDefault();
      setSelected((at + move + hits.length) % Math.max(1, hits.length));
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      hits[at]?.go();
    }
  };
  return (
    <Modal title={t('Find')} onClose={onClose} fleeting>
      <div className="flex items-center gap-2 rounded-md border border-line-strong bg-surface px-2.5">
        <Search size={16} className="text-ink-3" aria-hidden="true" />
        <input
          autoFocus
          role="combobox"
          aria-label={t('MRN, control id, message id, host or page')}
          aria-expanded={hits.length > 0}
          aria-controls="find-hits"
          aria-activedescendant={hits.length > 0 ? `find-${at}` : undefined}
          autoComplete="off"
          spellCheck={false}
          className="h-10 min-w-0 flex-1 bg-transparent text-[15px] outline-none"
          placeholder={t('MRN, control id, message id, host or page')}
          value={text}
          onChange={({ target }) => {
            setText(target.value);
            setSelected(0);
          }}
          onKeyDown={onKeyDown}
          onPaste={(event) => {
            const texts = pastedList(event.clipboardData.getData('text'));
            if (texts === undefined) return;
            event.preventDefault();
            onClose();
            void navigate({ to: '/messages', search: listSearch(texts) });
          }}
        />
      </div>
      <div
        id="find-hits"
        role="listbox"
        aria-label={t('Found')}
        className="mt-3 flex min-h-40 flex-col"
      >
        {hits.map(({ key, icon: Icon, label, detail, bad, go }, index) => (
          <div
            key={key}
            id={`find-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={go}
            onMouseMove={() => setSelected(index)}
            className={`flex cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-1.5 ${index === at ? 'bg-selected' : ''}`}
          >
            <Icon size={15} className="shrink-0 text-ink-3" aria-hidden="true" />
            <span className="min-w-0 truncate">{label}</span>
            <span
              className={`ml-auto shrink-0 text-xs ${bad === true ? 'text-bad' : 'text-ink-2'}`}
            >
              {detail}
            </span>
            {index === at && (
              <CornerDownLeft size={13} className="shrink-0 text-ink-3" aria-hidden="true" />
            )}
          </div>
        ))}
      </div>
      {error !== null && <Problem error={error} />}
      <p role="status" className="mt-2 text-xs text-ink-3">
        {error !== null
          ? t('Messages and patients were not looked for.')
          : text.trim() === ''
            ? t('Paste what you have: Waybill finds out what it is.')
            : searches
              ? t('{count} found; still searching…', { count: hits.length })
              : t('{count} found', { count: hits.length })}
        {indexing !== undefined && text.trim() !== '' && (
          <span className="text-warn"> {indexingText(indexing)}</span>
        )}
      </p>
    </Modal>
  );
}

function useHits(
  typed: string,
  onClose: () => void,
): {
  readonly hits: readonly Hit[];
  readonly searches: boolean;
  /** Why messages were not searched: that none is listed does not mean that there is none. */
  readonly error: Error | null;
  readonly indexing?: QuickHits['indexing'];
} {
  const navigate = useNavigate();
  const text = useDeferredValue(typed.trim());
  const { data, error, isFetching } = useQuery(quickHits(text));
  const searches = isFetching || text !== typed.trim();
  const { data: known } = useQuery(hostsQuery);
  const may = useMay();
  const several = useSeveral();
  const { data: properties } = useQuery({
    ...foundHosts(text),
    enabled: text.length > 1 && may('production.view'),
  });
  const goes = (go: () => unknown) => () => {
    onClose();
    go();
  };
  const lower = text.toLowerCase();
  const pages = PLACES.flat()
    .filter(({ several: only }) => only !== true || several)
    .filter(({ label }) => text === '' || label.toLowerCase().includes(lower))
    .map(
      ({ to, label, icon, key }): Hit => ({
        key: label,
        icon,
        label,
        detail: `g ${key}`,
        go: goes(() => navigate({ to })),
      }),
    );
  if (text === '') return { hits: pages.slice(0, 6), searches: false, error: null };
  const byField = new Set<string>();
  const found = (data?.hits ?? []).flatMap((hit): Hit[] => {
    const { field } = hit;
    const first = field !== undefined && !byField.has(field);
    if (field !== undefined) byField.add(field);
    const search = { find: `${field}:${text}`, last: 'all' };
    return [
      ...(first
        ? [
            {
              key: `all ${field}`,
              icon: User,
              label: t('All messages with {field} {text}', { field, text }),
              detail: t('search'),
              go: goes(() => navigate({ to: '/messages', search })),
            },
            {
              key: `timeline ${field}`,
              icon: CalendarRange,
              label: t('Timeline of {field} {text}', { field, text }),
              detail: t('timeline'),
              go: goes(() => navigate({ to: '/timeline', search: { find: search.find } })),
            },
          ]
        : []),
      sessionHit(
        hit,
        text,
        goes(() =>
          navigate({
            to: '/sessions/$id',
            // of a very large session only what is around the message is shown
            params: { id: hit.messageId ?? hit.sessionId },
          }),
        ),
      ),
    ];
  });
  const hosts = (known?.hosts ?? [])
    .filter(({ name, title }) => `${name} ${title ?? ''}`.toLowerCase().includes(lower))
    .slice(0, 5)
    .map(
      ({ name, title, kind }): Hit => ({
        key: `host ${name}`,
        icon: GitFork,
        label: title === undefined ? name : `${name} · ${title}`,
        detail: KIND_NAMES[kind],
        go: goes(() => navigate({ to: '/hosts/$host', params: { host: name } })),
      }),
    );
  const named = new Set(hosts.map(({ key }) => key));
  const byProperty = (properties?.hosts ?? [])
    .map(
      ({ host, found: [first] }): Hit => ({
        key: `host ${host}`,
        icon: GitFork,
        label: `${host} · ${first?.path ?? ''}: ${first?.value ?? ''}`,
        detail: t('property of a host'),
        go: goes(() => navigate({ to: '/hosts/$host', params: { host } })),
      }),
    )
    .filter(({ key }) => !named.has(key))
    .slice(0, 5);
  const everywhere: Hit = {
    key: 'everywhere',
    icon: Boxes,
    label: t('Find {text} in all productions', { text }),
    detail: t('Productions'),
    go: goes(() => navigate({ to: '/productions', search: { view: 'find', find: text } })),
  };
  const hits = [...found, ...hosts, ...byProperty, ...(several ? [everywhere] : []), ...pages];
  return { hits, searches, error: data === undefined ? error : null, indexing: data?.indexing };
}

function sessionHit(
  { kind, sessionId, messageId, field, at, type, status }: QuickHits['hits'][number],
  text: string,
  go: () => void,
): Hit {
  const id = `${messageId ?? sessionId}`;
  const label = {
    field: t('Session with {field} {text}', { field: field ?? '', text }),
    session: t('Session {id}', { id }),
    message: t('Message {id}', { id }),
  }[kind];
  return {
    key: `${kind} ${field ?? ''} ${id}`,
    icon: FileText,
    label,
    detail: [
      type === undefined ? undefined : shortType(type),
      status && STATUS_NAMES[status],
      moment(at),
    ]
      .filter(Boolean)
      .join(' · '),
    bad: status === 'error' || status === 'suspended',
    go,
  };
}
