/** Workflows to start from: whole documents, so that what is opened works as it stands. */
import type { Document } from "../../builder/model/document";

export interface Starter {
  id: string;
  title: string;
  text: string;
  document: Document;
}

export const STARTERS: Starter[] = [
  {
    id: "welcome",
    title: "Welcome a large web lead",
    text: "A lead from the web form with a large amount gets an answer, and its owner a task.",
    document: {
      name: "Welcome big web leads",
      description: "First answer to a large lead from the web form, within a minute.",
      trigger: { module: "leads", event: "created" },
      conditions: {
        all: [
          { field: "source", op: "equals", value: "Web Form" },
          { field: "amount", op: "greater_than", value: 50000 },
        ],
      },
      actions: [
        {
          type: "send_email",
          with: {
            to: ["{{ record.email }}"],
            subject: "Welcome, {{ record.name }}",
            text: "Dear {{ record.name }},\n\nthank you for your interest. We will call you today.",
          },
        },
        { type: "create_task", with: { subject: "Call {{ record.name }}", due_in: "P1D" } },
      ],
    },
  },
  {
    id: "won",
    title: "Celebrate a deal",
    text: "When an opportunity is won, the owner hears of it and another system is told.",
    document: {
      name: "Deal won",
      description: "Tells the owner and the ERP when an opportunity is won.",
      trigger: { module: "opportunities", event: "closed_won" },
      actions: [
        {
          type: "send_notification",
          with: { to: ["{{ record.owner }}"], message: "Won: {{ record.name }}" },
        },
        {
          type: "webhook",
          with: {
            method: "POST",
            url: "https://erp.example.com/deals",
            body: { deal: "{{ record.id }}", amount: "{{ record.amount }}" },
          },
        },
      ],
    },
  },
  {
    id: "overdue",
    title: "Chase an overdue invoice",
    text: "An overdue invoice above a limit gets a reminder and a task.",
    document: {
      name: "Overdue invoice",
      description: "Reminds of an invoice that is overdue.",
      trigger: { module: "invoices", event: "overdue" },
      conditions: { all: [{ field: "amount", op: "greater_than", value: 1000 }] },
      actions: [
        { type: "create_task", with: { subject: "Chase invoice {{ record.number }}", due_in: "P1D" } },
      ],
    },
  },
  {
    id: "stage",
    title: "Follow a stage",
    text: "When a lead is qualified, its priority rises.",
    document: {
      name: "Qualified leads are urgent",
      description: "Raises the priority of a lead that was qualified.",
      trigger: { module: "leads", event: "stage_changed", to: "Qualified" },
      actions: [{ type: "change_field", with: { field: "priority", value: "High" } }],
    },
  },
];
