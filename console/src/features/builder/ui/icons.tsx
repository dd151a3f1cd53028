import {
  ArrowRightLeft,
  Bell,
  CircleQuestionMark,
  ClipboardCheck,
  type LucideIcon,
  Mail,
  PencilLine,
  UserRound,
  Webhook,
} from "lucide-react";

const ICONS: Record<string, LucideIcon> = {
  send_email: Mail,
  send_notification: Bell,
  create_task: ClipboardCheck,
  change_field: PencilLine,
  move_stage: ArrowRightLeft,
  assign_owner: UserRound,
  webhook: Webhook,
};

const GROUPS: Record<string, string> = {
  send_email: "people",
  send_notification: "people",
  create_task: "record",
  change_field: "record",
  move_stage: "record",
  assign_owner: "record",
  webhook: "systems",
};

export function stepIcon(type: string): LucideIcon {
  return ICONS[type] ?? CircleQuestionMark;
}

export function stepGroup(type: string): string {
  return GROUPS[type] ?? "systems";
}
