import type { ReactNode } from "react";
import {
  Button as AriaButton,
  Header,
  Menu,
  MenuItem,
  MenuSection,
  MenuTrigger,
  Popover,
} from "react-aria-components";

export interface MenuEntry {
  id: string;
  label: string;
  icon?: ReactNode;
  note?: string;
  danger?: boolean;
  disabled?: boolean;
}

export interface MenuGroup {
  title?: string;
  entries: MenuEntry[];
}

interface Props {
  label: string;
  className?: string;
  children: ReactNode;
  groups: MenuGroup[];
  onChoose: (id: string) => void;
}

/** A button that opens a menu: arrows move, typing finds, Escape gives the focus back. */
export function MenuButton({
  label,
  className = "btn btn-quiet btn-icon btn-small",
  children,
  groups,
  onChoose,
}: Props) {
  return (
    <MenuTrigger>
      <AriaButton className={className} aria-label={label}>
        {children}
      </AriaButton>
      <Popover placement="bottom start">
        <Menu className="menu" aria-label={label} onAction={(key) => onChoose(String(key))}>
          {groups.map((group) => (
            <MenuSection key={group.title ?? "all"} aria-label={group.title ?? label}>
              {group.title && <Header>{group.title}</Header>}
              {group.entries.map((entry) => (
                <MenuItem
                  key={entry.id}
                  id={entry.id}
                  textValue={entry.label}
                  isDisabled={entry.disabled ?? false}
                  className={entry.danger ? "danger" : ""}
                >
                  {entry.icon}
                  <span className="grow">
                    <span>{entry.label}</span>
                    {entry.note && <span className="caption"> {entry.note}</span>}
                  </span>
                </MenuItem>
              ))}
            </MenuSection>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
