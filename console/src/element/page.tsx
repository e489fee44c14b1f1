import { type ReactElement, type ReactNode, useEffect } from 'react';

interface PageProps {
  readonly title: string;
  /** What comes before the title, such as a back link. */
  readonly lead?: ReactNode;
  readonly detail?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** The content scrolls instead of the page. */
  readonly fixed?: boolean;
}

/** A page with its heading, which is also the title of the window. */
export function Page({
  title,
  lead,
  detail,
  actions,
  children,
  fixed = false,
}: PageProps): ReactElement {
  useEffect(() => {
    document.title = `${title} · Waybill`;
  }, [title]);
  return (
    <div className={`flex min-w-0 flex-col ${fixed ? 'h-full min-h-0' : 'min-h-full'}`}>
      <div className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-surface px-4 py-2">
        <div className="flex min-w-0 items-center gap-x-3">
          {lead}
          <h1 className="min-w-0 max-sm:[overflow-wrap:anywhere] sm:truncate">{title}</h1>
        </div>
        {detail !== undefined && <div className="min-w-0 text-xs text-ink-2">{detail}</div>}
        <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>
      </div>
      <div className={fixed ? 'flex min-h-0 flex-1 flex-col' : 'flex-1 p-4'}>{children}</div>
    </div>
  );
}

/** A bordered part of a page with its own heading. */
export function Panel({
  title,
  actions,
  children,
  flush = false,
  held = false,
}: {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  readonly flush?: boolean;
  /** Its heading stays in sight while the page is scrolled. */
  readonly held?: boolean;
}): ReactElement {
  return (
    <section
      className={`${held ? 'overflow-clip' : 'overflow-hidden'} rounded-lg border border-line bg-surface`}
    >
      <div
        className={`${held ? 'sticky top-0 z-10 bg-surface' : ''} flex min-h-10 flex-wrap items-center gap-x-2 gap-y-1 border-b border-line px-3 py-1.5`}
      >
        <h2 className="min-w-0 truncate">{title}</h2>
        <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>
      </div>
      <div className={flush ? '' : 'p-3'}>{children}</div>
    </section>
  );
}
