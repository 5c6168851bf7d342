"""Chapter 7: customers and what they entrust to us (客戶信息管理).

Lives here: who the customer is, their policies, insurance needs and consents. What they asked for stands in
``casework``; the lobby hangs it on the customer's page.
"""
