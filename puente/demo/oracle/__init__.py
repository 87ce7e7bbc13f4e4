"""What the demo's CAJAs must hold, computed from SAE's rows alone: it shares no rule with the product that it judges.

expected       SAE's rows read, CAJA's rows compared
expected_rows  SAE's row → CAJA's row
caja_rows      CAJA's rows as they are
"""
