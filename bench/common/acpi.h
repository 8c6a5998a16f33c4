/* The few ACPI tables that a small guest needs. [ACPI] 5.2. */
#ifndef ACPI_H
#define ACPI_H
#include "guest.h"

struct acpi_table { char signature[4]; u32 length; u8 revision, checksum; char oem[6], oem_table[8]; u32 oem_revision, creator, creator_revision; } __attribute__((packed));

/* The table with this signature among those of the RSDT, checksum verified; null when there is none. "DSDT" comes from the FADT. */
const struct acpi_table *acpi_find(const char signature[4]);
/* Port of the PM timer, 0 without one; *bits is 24 or 32. */
u16 acpi_pm_timer(u32 *bits);
/* Enters S5 as FADT and DSDT say; returns when they say nothing. */
void acpi_power_off(void);
#endif
