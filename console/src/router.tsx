import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { ROOT } from './api/client.ts';
import { part } from './api/part.ts';
import { DashboardPage } from './dashboard/dashboard-page.tsx';
import { NotFound, RouteProblem } from './shell/route-problem.tsx';
import { Shell } from './shell/shell.tsx';

/** A page that is loaded when it is first opened. */
const page = <Pages extends object, Name extends keyof Pages & string>(
  load: () => Promise<Pages>,
  name: Name,
) => lazyRouteComponent(() => part(load), name);

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });
const under = { getParentRoute: () => root } as const;
/** An id in an address; anything else is 0, which no message has. */
const id = {
  parse: ({ id: text }: { readonly id: string }) => ({
    id: /^\d{1,16}$/.test(text) ? Number(text) : 0,
  }),
  stringify: ({ id: value }: { readonly id: number }) => ({ id: `${value}` }),
};

const dashboard = createRoute({
  ...under,
  path: '/',
  validateSearch: texts('tag', 'find', 'span'),
  component: DashboardPage,
});

const SEARCH_KEYS = [
  'last',
  'from',
  'to',
  'host',
  'source',
  'target',
  'type',
  'status',
  'find',
  'list',
  'contains',
  'error',
  'cause',
  'minDuration',
  'maxDuration',
  'minSize',
  'maxSize',
  'resendOf',
  'live',
  'at',
] as const;

const messages = createRoute({
  ...under,
  path: '/messages',
  validateSearch: texts(...SEARCH_KEYS),
  component: page(() => import('./search/search-page.tsx'), 'SearchPage'),
});
const timeline = createRoute({
  ...under,
  path: '/timeline',
  validateSearch: texts('find', 'last'),
  component: page(() => import('./timeline/timeline-page.tsx'), 'TimelinePage'),
});
const message = createRoute({
  ...under,
  path: '/messages/$id',
  params: id,
  validateSearch: texts('view', 'part', 'path'),
  component: page(() => import('./message/message-page.tsx'), 'MessagePage'),
});
const difference = createRoute({
  ...under,
  path: '/messages/$id/diff',
  params: id,
  validateSearch: texts('against', 'view'),
  component: page(() => import('./diff/diff-page.tsx'), 'DiffPage'),
});
const rehearsal = createRoute({
  ...under,
  path: '/messages/$id/rehearsal',
  params: id,
  validateSearch: texts('files'),
  component: page(() => import('./rehearsal/rehearsal-page.tsx'), 'RehearsalPage'),
});
const rehearsals = createRoute({
  ...under,
  path: '/rehearsals',
  validateSearch: texts('ids', 'frozen', 'reason', ...SEARCH_KEYS),
  component: page(() => import('./rehearsal/group-rehearsal-page.tsx'), 'GroupRehearsalPage'),
});
const session = createRoute({
  ...under,
  path: '/sessions/$id',
  params: id,
  validateSearch: texts('step', 'view', 'tab'),
  component: page(() => import('./trace/trace-page.tsx'), 'TracePage'),
});

const host = createRoute({
  ...under,
  path: '/hosts/$host',
  validateSearch: texts('span'),
  component: page(() => import('./host/host-page.tsx'), 'HostPage'),
});
const shift = createRoute({
  ...under,
  path: '/shift',
  validateSearch: texts('find'),
  component: page(() => import('./note/shift-page.tsx'), 'ShiftPage'),
});
const events = createRoute({
  ...under,
  path: '/events',
  validateSearch: texts('host', 'level', 'from', 'to'),
  component: page(() => import('./event/event-page.tsx'), 'EventPage'),
});
const suspended = createRoute({
  ...under,
  path: '/suspended',
  validateSearch: texts('host', 'status', 'code', 'all'),
  component: page(() => import('./suspended/suspended-page.tsx'), 'SuspendedPage'),
});
const waiting = createRoute({
  ...under,
  path: '/waiting',
  validateSearch: texts('tab'),
  component: page(() => import('./waiting/waiting-page.tsx'), 'WaitingPage'),
});
const queues = createRoute({
  ...under,
  path: '/queues',
  validateSearch: texts('host', 'find'),
  component: page(() => import('./queue/queue-page.tsx'), 'QueuePage'),
});
const access = createRoute({
  ...under,
  path: '/access',
  component: page(() => import('./audit/access-page.tsx'), 'AccessPage'),
});
const onCall = createRoute({
  ...under,
  path: '/on-call',
  component: page(() => import('./alert/on-call-page.tsx'), 'OnCallPage'),
});
const alerts = createRoute({
  ...under,
  path: '/alerts',
  validateSearch: texts('over'),
  component: page(() => import('./alert/alert-page.tsx'), 'AlertPage'),
});
const jobs = createRoute({
  ...under,
  path: '/jobs',
  component: page(() => import('./job/jobs-page.tsx'), 'JobsPage'),
});
const newJob = createRoute({
  ...under,
  path: '/jobs/new',
  validateSearch: texts('ids', 'act', ...SEARCH_KEYS),
  component: page(() => import('./job/new-job-page.tsx'), 'NewJobPage'),
});
const job = createRoute({
  ...under,
  path: '/jobs/$id',
  params: id,
  validateSearch: texts('state', 'outcome'),
  component: page(() => import('./job/job-page.tsx'), 'JobPage'),
});
const production = createRoute({
  ...under,
  path: '/production',
  validateSearch: texts('view', 'focus', 'tag', 'find', 'trouble'),
  component: page(() => import('./production/production-page.tsx'), 'ProductionPage'),
});
const productions = createRoute({
  ...under,
  path: '/productions',
  validateSearch: texts('view', 'find', 'last', 'status', 'by', 'type', 'error'),
  component: page(() => import('./productions/productions-page.tsx'), 'ProductionsPage'),
});
const actInAll = createRoute({
  ...under,
  path: '/productions/act',
  validateSearch: texts('jobs', 'order', 'last', 'status', 'by', 'type', 'error'),
  component: page(() => import('./productions/act-page.tsx'), 'ActInAllPage'),
});
const certificates = createRoute({
  ...under,
  path: '/certificates',
  component: page(() => import('./certificate/certificate-page.tsx'), 'CertificatePage'),
});
const workbench = createRoute({
  ...under,
  path: '/workbench',
  component: page(() => import('./workbench/workbench-page.tsx'), 'WorkbenchPage'),
});
const storage = createRoute({
  ...under,
  path: '/storage',
  component: page(() => import('./storage/storage-page.tsx'), 'StoragePage'),
});
const configuration = createRoute({
  ...under,
  path: '/configuration',
  component: page(() => import('./configuration/configuration-page.tsx'), 'ConfigurationPage'),
});
const versions = createRoute({
  ...under,
  path: '/history',
  validateSearch: texts('version'),
  component: page(() => import('./configuration/history-page.tsx'), 'HistoryPage'),
});
const files = createRoute({
  ...under,
  path: '/files',
  validateSearch: texts('path', 'line', 'version'),
  component: page(() => import('./configuration/file-page.tsx'), 'FilePage'),
});
const exported = createRoute({
  ...under,
  path: '/export',
  validateSearch: texts(...SEARCH_KEYS),
  component: page(() => import('./export/export-page.tsx'), 'ExportPage'),
});

const audit = createRoute({
  ...under,
  path: '/audit',
  validateSearch: texts('actor', 'action', 'object', 'searched', 'from', 'to'),
  component: page(() => import('./audit/audit-page.tsx'), 'AuditPage'),
});
const users = createRoute({
  ...under,
  path: '/users',
  component: page(() => import('./user/user-page.tsx'), 'UserPage'),
});

const factor = createRoute({
  ...under,
  path: '/second-factor',
  component: page(() => import('./factor/factor-page.tsx'), 'FactorPage'),
});
const rights = createRoute({
  ...under,
  path: '/users/$name',
  component: page(() => import('./access/rights-page.tsx'), 'RightsPage'),
});
const tokens = createRoute({
  ...under,
  path: '/tokens',
  validateSearch: texts('expired'),
  component: page(() => import('./access/token-page.tsx'), 'TokenPage'),
});
const signIns = createRoute({
  ...under,
  path: '/sign-ins',
  component: page(() => import('./access/sign-in-page.tsx'), 'SignInPage'),
});

const tree = root.addChildren([
  dashboard,
  messages,
  timeline,
  message,
  difference,
  rehearsal,
  rehearsals,
  session,
  host,
  shift,
  events,
  suspended,
  queues,
  waiting,
  alerts,
  onCall,
  access,
  jobs,
  newJob,
  job,
  production,
  productions,
  actInAll,
  certificates,
  workbench,
  storage,
  configuration,
  versions,
  files,
  exported,
  audit,
  users,
  factor,
  rights,
  tokens,
  signIns,
]);

export const router = createRouter({
  routeTree: tree,
  basepath: ROOT.pathname,
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  defaultErrorComponent: RouteProblem,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

/**
 * Search parameters as people write and paste them: `?status=error,suspended&last=1h`. TanStack's
 * default is JSON with quotes around what looks like a number, which nobody can read out on the
 * phone.
 */
type SearchText = Readonly<Record<string, string | undefined>>;

function parseSearch(text: string): SearchText {
  return Object.fromEntries(new URLSearchParams(text));
}

function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (value !== undefined && value !== '' && value !== false)
      parameters.set(key, value as string);
  }
  // a colon and a comma are allowed in a query unencoded
  const text = parameters.toString().replaceAll('%3A', ':').replaceAll('%2C', ',');
  return text === '' ? '' : `?${text}`;
}

/** The parameters with these names that are texts; anything else in the address is dropped. */
function texts<const Name extends string>(...names: readonly Name[]) {
  return (
    search: Readonly<Record<string, unknown>>,
  ): { readonly [N in Name]?: string | undefined } => {
    const found: Partial<Record<Name, string>> = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === 'string' && value !== '') found[name] = value;
    }
    return found;
  };
}
