import type { LinkProps } from '@tanstack/react-router';
import type { LucideIcon } from 'lucide-react';
import {
  Activity,
  Bell,
  Boxes,
  ClipboardList,
  GitFork,
  HardDrive,
  Hourglass,
  KeyRound,
  LayoutDashboard,
  ListTodo,
  NotebookPen,
  PauseCircle,
  Rows3,
  ScrollText,
  Search,
  ShieldCheck,
  Users,
} from 'lucide-react';
import type { Status } from '../../../src/api/contract/status.ts';
import { t } from '../language/translate.ts';
import type { Permission } from './me.ts';

/** A page in the navigation. */
export interface NavigationPlace {
  readonly to: NonNullable<LinkProps['to']>;
  readonly label: string;
  readonly icon: LucideIcon;
  /** The letter after `g`. */
  readonly key: string;
  readonly permission?: Permission;
  /** Only where the console shows several productions. */
  readonly several?: boolean;
  /** How many are waiting there for a person. */
  readonly count?: (status: Status) => number | undefined;
}

/** In the order an operator needs them at night: what is wrong, where is the message, what is stuck. */
export const PLACES: readonly (readonly NavigationPlace[])[] = [
  [
    { to: '/', label: t('Dashboard'), icon: LayoutDashboard, key: 'h' },
    { to: '/messages', label: t('Messages'), icon: Search, key: 'm', permission: 'message.search' },
    {
      to: '/suspended',
      label: t('Suspended'),
      icon: PauseCircle,
      key: 's',
      permission: 'message.search',
      count: ({ suspended }) => suspended,
    },
    {
      to: '/queues',
      label: t('Queues'),
      icon: Rows3,
      key: 'q',
      permission: 'queue.view',
      count: ({ queued }) => queued.messages,
    },
    {
      to: '/waiting',
      label: t('Durable work'),
      icon: Hourglass,
      key: 'w',
      permission: 'queue.view',
    },
  ],
  [
    {
      to: '/production',
      label: t('Production'),
      icon: GitFork,
      key: 'p',
      permission: 'production.view',
    },
    { to: '/productions', label: t('Productions'), icon: Boxes, key: 'o', several: true },
    { to: '/events', label: t('Event log'), icon: Activity, key: 'e', permission: 'event.view' },
    {
      to: '/alerts',
      label: t('Alerts'),
      icon: Bell,
      key: 'a',
      count: ({ openAlerts }) => openAlerts,
    },
    { to: '/shift', label: t('Shift'), icon: NotebookPen, key: 'n' },
    { to: '/jobs', label: t('Jobs'), icon: ListTodo, key: 'j', permission: 'message.bulk' },
  ],
  [
    {
      to: '/certificates',
      label: t('Certificates'),
      icon: ShieldCheck,
      key: 'c',
      permission: 'production.view',
    },
    {
      to: '/storage',
      label: t('Storage'),
      icon: HardDrive,
      key: 't',
      permission: 'production.view',
    },
    {
      to: '/configuration',
      label: t('Configuration'),
      icon: ClipboardList,
      key: 'y',
      permission: 'config.view',
    },
    { to: '/audit', label: t('Audit log'), icon: ScrollText, key: 'l', permission: 'audit.view' },
    { to: '/users', label: t('Users'), icon: Users, key: 'u', permission: 'user.manage' },
    { to: '/tokens', label: t('Tokens'), icon: KeyRound, key: 'k', permission: 'token.manage' },
  ],
];
