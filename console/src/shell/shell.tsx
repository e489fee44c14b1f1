import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { CircleHelp, ClockAlert, Menu, Moon, RefreshCw, Search, Sun, Unplug } from 'lucide-react';
import { type ReactElement, Suspense, useEffect, useRef, useState } from 'react';
import { status as statusQuery } from '../api/answers.ts';
import { isAway } from '../api/away.ts';
import { ApiProblem, ROOT } from '../api/client.ts';
import { useIsLive, useLiveStream } from '../api/live-stream.ts';
import { ahead, lazyPart } from '../api/part.ts';
import { putOffUpgrade, useUpgraded } from '../api/upgrade.ts';
import { Button, ICON_BUTTON } from '../element/button.tsx';
import { Waiting } from '../element/notice.tsx';
import { duration, count as written } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { AccountMenu } from './account-menu.tsx';
import { Away, useOnList, useSeveral } from './away.tsx';
import { EmergencyBanner } from './emergency.tsx';
import { useHotKeys } from './hot-keys.ts';
import { type Me, me, useMay } from './me.ts';
import { PLACES } from './places.ts';
import { ProductionMenu } from './production-menu.tsx';
import { switchTheme, useTheme } from './theme.ts';

const SignInPage = lazyPart(() => import('./sign-in-page.tsx'), 'SignInPage');
const loadSignInAgain = () => import('./sign-in-again.tsx');
const SignInAgain = lazyPart(loadSignInAgain, 'SignInAgain');
const loadQuickFind = () => import('./quick-find.tsx');
const QuickFind = lazyPart(loadQuickFind, 'QuickFind');
const KeyboardHelp = lazyPart(() => import('./keyboard-help.tsx'), 'KeyboardHelp');

/** Milliseconds: what the page needs comes first. */
const SOME_TIME = 10_000;

/** What surrounds every page: navigation, finding, theme and help. */
export function Shell(): ReactElement {
  const client = useQueryClient();
  const { data, error, isPending, refetch } = useQuery(me);
  // stays until the recovery codes have been saved, even if the server is content earlier
  const [adding, setAdding] = useState(false);
  const mustChange = data?.mustChangePassword === true;
  // while it is asked again, the page that says so stays, and after a sign-in that of the sign-in
  const away = useSettled(isPending, data === undefined && isAway(error));
  const isOut = useSettled(isPending, error instanceof ApiProblem && error.status === 401);
  if (data?.mustAddFactor === true && !mustChange && !adding) setAdding(true);
  if (mustChange || adding || (isOut && data === undefined)) {
    const added = (): void => {
      setAdding(false);
      void client.resetQueries();
    };
    return (
      <Suspense fallback={<Waiting />}>
        <UpgradedBanner />
        <SignInPage mustChange={mustChange && !isOut} mustAdd={adding && !isOut} onAdded={added} />
      </Suspense>
    );
  }
  if (away) return <Unreachable onAgain={() => void refetch()} />;
  return isPending ? <Waiting /> : <Kept user={data} isOut={isOut} />;
}

/** The pages, which stay, unseen and with what was typed in them, if the session ends. */
function Kept({
  user,
  isOut,
}: {
  readonly user: Me | undefined;
  readonly isOut: boolean;
}): ReactElement {
  useEffect(() => {
    // an upgrade may take it away, and then nobody could get back to what was typed
    const timer = setTimeout(() => ahead(loadSignInAgain), SOME_TIME);
    return () => clearTimeout(timer);
  }, []);
  return (
    <>
      <div className="h-full" hidden={isOut}>
        <SignedIn user={user} />
      </div>
      <Suspense>
        {isOut && <UpgradedBanner />}
        {isOut && user !== undefined && <SignInAgain user={user} />}
      </Suspense>
    </>
  );
}

/** The current value; while that is not known, the last known one. */
function useSettled(isPending: boolean, now: boolean): boolean {
  const [before, setBefore] = useState(false);
  const holds = isPending ? before : now;
  if (holds !== before) setBefore(holds);
  return holds;
}

function SignedIn({ user }: { readonly user: Me | undefined }): ReactElement {
  const navigate = useNavigate();
  const [finding, setFinding] = useState(false);
  const [help, setHelp] = useState(false);
  const [menu, setMenu] = useState(false);
  const main = useRef<HTMLElement>(null);
  const onList = useOnList(user);
  useEffect(() => {
    // what is pasted right after Ctrl K has to land in the field
    const prepare = ({ key }: KeyboardEvent): void => {
      if (key === 'Control' || key === 'Meta') ahead(loadQuickFind);
    };
    window.addEventListener('keydown', prepare);
    return () => window.removeEventListener('keydown', prepare);
  }, []);
  useHotKeys({
    'ctrl+k': () => setFinding(true),
    '?': () => setHelp(true),
    ...Object.fromEntries(
      PLACES.flat().map(({ key, to }) => [`g ${key}`, () => void navigate({ to })] as const),
    ),
  });
  return (
    <div className="grid h-full grid-cols-1 grid-rows-[auto_minmax(0,1fr)] md:grid-cols-[13.5rem_minmax(0,1fr)]">
      <button
        type="button"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-surface focus:px-3 focus:py-2"
        onClick={() => main.current?.focus()}
      >
        {t('Skip to the content')}
      </button>
      <Header
        user={user}
        onFind={() => setFinding(true)}
        onHelp={() => setHelp(true)}
        onMenu={() => setMenu(!menu)}
        menu={menu}
      />
      <Navigation open={menu} onGo={() => setMenu(false)} />
      <main ref={main} tabIndex={-1} className="min-w-0 overflow-auto outline-none" id="main">
        <EmergencyBanner />
        <StaleBanner />
        <UpgradedBanner />
        <Suspense fallback={<Waiting />}>
          {user?.away === undefined || onList ? <Outlet /> : <Away why={user.away} />}
        </Suspense>
      </main>
      <Suspense>
        {finding && <QuickFind onClose={() => setFinding(false)} />}
        {help && <KeyboardHelp onClose={() => setHelp(false)} />}
      </Suspense>
    </div>
  );
}

interface HeaderProps {
  readonly user: Me | undefined;
  readonly menu: boolean;
  readonly onFind: () => void;
  readonly onHelp: () => void;
  readonly onMenu: () => void;
}

function Header({ user, menu, onFind, onHelp, onMenu }: HeaderProps): ReactElement {
  const theme = useTheme();
  const { data: production } = useQuery(statusQuery);
  return (
    <header className="col-span-full flex h-12 items-center gap-2 border-b border-line bg-surface px-3">
      <button
        type="button"
        className={`${ICON_BUTTON} md:hidden`}
        aria-label={t('Navigation')}
        aria-expanded={menu}
        onClick={onMenu}
      >
        <Menu size={18} aria-hidden="true" />
      </button>
      <img src="./waybill.svg" alt="" width="24" height="24" className="max-sm:hidden" />
      <span className="font-semibold tracking-tight max-sm:hidden">Waybill</span>
      <ProductionMenu title={production?.title} />
      <button
        type="button"
        onClick={onFind}
        onPointerEnter={() => ahead(loadQuickFind)}
        className="ml-auto flex h-8 w-full max-w-sm min-w-0 items-center gap-2 rounded-md border border-line-strong bg-sunken px-2.5 text-left text-ink-2 hover:bg-hover"
      >
        <Search size={15} aria-hidden="true" className="shrink-0" />
        <span className="min-w-0 flex-1 truncate">{t('Find by MRN, control id, message id')}</span>
        <span className="flex gap-0.5 max-sm:hidden">
          <kbd>{t('Ctrl')}</kbd>
          <kbd>K</kbd>
        </span>
      </button>
      <button
        type="button"
        className={ICON_BUTTON}
        onClick={switchTheme}
        aria-label={theme === 'dark' ? t('Light theme') : t('Dark theme')}
      >
        {theme === 'dark' ? (
          <Sun size={17} aria-hidden="true" />
        ) : (
          <Moon size={17} aria-hidden="true" />
        )}
      </button>
      <button
        type="button"
        className={`${ICON_BUTTON} max-sm:hidden`}
        onClick={onHelp}
        aria-label={t('Keyboard help')}
      >
        <CircleHelp size={17} aria-hidden="true" />
      </button>
      <LiveStatus />
      <AccountMenu user={user} />
    </header>
  );
}

/** The navigation: a column on wide screens, a sheet on narrow ones. */
function Navigation({
  open,
  onGo,
}: {
  readonly open: boolean;
  readonly onGo: () => void;
}): ReactElement {
  const may = useMay();
  const { data: status } = useQuery(statusQuery);
  const several = useSeveral();
  return (
    <nav
      aria-label={t('Pages')}
      className={`overflow-y-auto border-r border-line bg-surface px-2 py-3 max-md:absolute max-md:inset-x-0 max-md:top-12 max-md:bottom-0 max-md:z-40 ${open ? '' : 'max-md:hidden'}`}
    >
      {PLACES.map((group) => (
        <ul key={group[0]?.key} className="mb-2 border-b border-line pb-2 last:border-0">
          {group
            .filter(({ permission }) => permission === undefined || may(permission))
            .filter(({ several: only }) => only !== true || several)
            .map(({ to, label, icon: Icon, count }) => (
              <li key={to}>
                <Link
                  to={to}
                  onClick={onGo}
                  activeOptions={{ exact: to === '/' }}
                  className="flex h-8 items-center gap-2.5 rounded-md px-2 text-ink-2 hover:bg-hover hover:text-ink max-md:h-11"
                  activeProps={{
                    className: '!bg-selected !text-ink font-medium',
                    'aria-current': 'page',
                  }}
                >
                  <Icon size={16} aria-hidden="true" className="shrink-0" />
                  <span className="min-w-0 truncate">{label}</span>
                  <WaitingCount many={status === undefined ? 0 : (count?.(status) ?? 0)} />
                </Link>
              </li>
            ))}
        </ul>
      ))}
    </nav>
  );
}

/** How many are waiting behind an entry; nothing if none. */
function WaitingCount({ many }: { readonly many: number }): ReactElement | null {
  if (many === 0) return null;
  return (
    <span className="ml-auto shrink-0 rounded-full bg-idle-soft px-1.5 text-2xs font-medium text-idle">
      {written(many)}
    </span>
  );
}

/** Follows the live stream while it is shown, and says when it cannot: what is shown may then be some seconds old. */
function LiveStatus(): ReactElement | null {
  useLiveStream();
  if (useIsLive()) return null;
  return (
    <span
      role="status"
      className="inline-flex items-center gap-1 rounded bg-warn-soft px-1.5 text-xs font-medium whitespace-nowrap text-warn"
      title={t(
        'The live stream is interrupted and will reconnect; until then pages refresh every few seconds.',
      )}
    >
      <Unplug size={13} aria-hidden="true" />{' '}
      <span className="max-sm:sr-only">{t('not live')}</span>
    </span>
  );
}

/** That the server does not answer, and how old what is shown is. */
function StaleBanner(): ReactElement | null {
  const { error, data, dataUpdatedAt } = useQuery(statusQuery);
  const client = useQueryClient();
  const wasAway = useRef(false);
  const away = isAway(error);
  useEffect(() => {
    if (dataUpdatedAt > 0) rememberAnswer(dataUpdatedAt);
  }, [dataUpdatedAt]);
  useEffect(() => {
    // what a page asked for meanwhile failed, and not all of it is asked again by itself
    if (wasAway.current && !away)
      void client.refetchQueries({
        type: 'active',
        predicate: ({ state }) => state.status === 'error',
      });
    wasAway.current = away;
  }, [away, client]);
  if (data === undefined) return null;
  if (!away) return <WrongClock faster={dataUpdatedAt - data.at} />;
  return (
    <p
      role="status"
      className="flex items-center gap-2 border-b border-warn/40 bg-warn-soft px-4 py-1.5 text-xs text-warn"
    >
      <Unplug size={14} className="shrink-0" aria-hidden="true" />
      <span>
        {rich('The server does not answer. What is shown is as of {time}.', {
          time: <When at={dataUpdatedAt} as="recent" />,
        })}
      </span>
    </p>
  );
}

const MINUTE = 60_000;
/** Milliseconds: beyond this, a time that somebody types means another one. */
const WRONG = 2 * MINUTE;

/** That the clock of this machine is wrong, and that Waybill does not go by it. */
function WrongClock({ faster }: { readonly faster: number }): ReactElement | null {
  if (Math.abs(faster) < WRONG) return null;
  const by = { duration: duration(Math.round(Math.abs(faster) / MINUTE) * MINUTE) };
  return (
    <p
      role="status"
      className="flex items-center gap-2 border-b border-warn/40 bg-warn-soft px-4 py-1.5 text-xs text-warn"
    >
      <ClockAlert size={14} className="shrink-0" aria-hidden="true" />
      <span>
        {faster > 0
          ? t(
              'The clock of this machine is {duration} ahead of the server’s. Times here are the server’s.',
              by,
            )
          : t(
              'The clock of this machine is {duration} behind the server’s. Times here are the server’s.',
              by,
            )}
      </span>
    </p>
  );
}

/** That Waybill was upgraded while a page was open. The page is not loaded again by itself: somebody may be typing. */
function UpgradedBanner(): ReactElement | null {
  const what = useUpgraded();
  if (what === undefined) return null;
  return (
    <div
      role="status"
      className="flex flex-wrap items-center gap-2 border-b border-line bg-info-soft px-4 py-1.5 text-xs text-info"
    >
      <RefreshCw size={14} className="shrink-0" aria-hidden="true" />
      <span className="mr-auto">
        {what === 'missing'
          ? t(
              'What you opened is not there any more in this version of the page. Load it again; what is typed in it stays only until then.',
            )
          : t(
              'Waybill has been upgraded. This page is still of the version before; finish what you are typing, then load it again.',
            )}
      </span>
      <Button onClick={() => location.reload()}>{t('Load again')}</Button>
      <Button look="quiet" onClick={putOffUpgrade}>
        {t('Later ## load the page again')}
      </Button>
    </div>
  );
}

/** In place of every page, if the server did not answer since the page was opened. It opens by itself once it does. */
function Unreachable({ onAgain }: { readonly onAgain: () => void }): ReactElement {
  const last = lastAnswer();
  useEffect(() => {
    document.title = `${t('Waybill does not answer')} · Waybill`;
  }, []);
  return (
    <main className="flex min-h-full items-center justify-center p-4">
      <div className="w-full max-w-md rounded-xl border border-line bg-surface p-6 shadow-float">
        <Unplug size={28} aria-hidden="true" className="text-warn" />
        <h1 className="mt-3 mb-2">{t('Waybill does not answer')}</h1>
        <p role="status">
          {last === undefined
            ? t('It has not answered in this browser yet.')
            : rich('It last answered at {time}.', { time: <When at={last} as="recent" /> })}{' '}
          {t('There is nothing to show of it until it does; this page then opens by itself.')}
        </p>
        <p className="mt-2 text-ink-2">
          {t(
            'Messages do not need the console: the engine takes and sends them while only the console is away.',
          )}
        </p>
        <Button className="mt-4" onClick={onAgain}>
          {t('Try now')}
        </Button>
      </div>
    </main>
  );
}

const KEY = `waybill.answered ${ROOT.pathname}`;

/** Remembers on this machine when the server answered; nothing else of it is kept. */
function rememberAnswer(at: number): void {
  try {
    localStorage.setItem(KEY, `${at}`);
  } catch {
    // storage may be forbidden or full: then it is not known
  }
}

/** Milliseconds since 1970; undefined if it is not known. */
function lastAnswer(): number | undefined {
  try {
    const at = Number(localStorage.getItem(KEY));
    return at > 0 && at <= Date.now() ? at : undefined;
  } catch {
    // storage may be forbidden
    return undefined;
  }
}
